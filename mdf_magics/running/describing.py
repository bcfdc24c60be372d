"""A pipeline's function only describes rows; here it is held to that.

On Databricks a pipeline calls its functions several times, and refuses those that
compute or write something ("Pipelines developer reference", Databricks).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ACTIONS = ("to_table", "to_table_as_iterator", "to_pandas", "execute_command")
"""What the client of Spark Connect does for `collect`, `count`, `toPandas`, `save`."""

_here = threading.local()


class ActionError(Exception):
    """A function computes or writes something where it should only describe rows."""


@contextmanager
def describing(session: SparkSession) -> Iterator[None]:
    """Refuse, in this thread, whatever computes or writes something.

    Raises:
        ActionError: In place of the action.
    """
    client: Any = session.client
    for name in _ACTIONS:
        action = getattr(client, name, None)
        if action is not None and not hasattr(action, "refused"):
            setattr(client, name, _refused(action))
    _here.describes = True
    try:
        yield
    finally:
        _here.describes = False


def _refused(action: Callable[..., Any]) -> Callable[..., Any]:
    from pyspark.sql.connect.proto import Command

    @wraps(action)
    def run(command: Any, *words: Any, **more: Any) -> Any:
        # `spark.sql` sends a command too.
        only_a_query = isinstance(command, Command) and command.HasField("sql_command")
        if getattr(_here, "describes", False) and not only_a_query:
            raise ActionError(
                "a pipeline's function computes or writes something (collect, count, "
                "toPandas, save). It may only describe rows: return a DataFrame."
            )
        return action(command, *words, **more)

    run.refused = True  # type: ignore[attr-defined]
    return run
