"""Executes a deployed notebook in this process, as a task of a job would.

A notebook sees `spark`, `dbutils` and `display`. What it imports from its own folder,
first of all `mdf_runtime`, is loaded for one run and seen by that run alone: two
projects in one process have a copy each, and a new deploy is there at the next run.
"""

from __future__ import annotations

import json
import linecache
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from mdf_magics.running.modules import Modules, compiled_file

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUFFIXES = (".py", ".ipynb")

_MAGIC_CELL = re.compile(r"^# MAGIC (%(?!md\b)\S+)", re.MULTILINE)
"""A cell of a Databricks notebook in another language than Python; text is none."""

_MAGIC_LINE = re.compile(r"^\s*([%!]\S*)", re.MULTILINE)
"""A line of a Jupyter notebook that isn't Python."""


class NotebookError(Exception):
    """A notebook can't be executed here; the message says why and what to do."""


class _Exit(BaseException):
    """`dbutils.notebook.exit`: no `except Exception` of a notebook may catch it."""

    def __init__(self, value: str) -> None:
        self.value = value


def execute(
    notebook: Path, parameters: Mapping[str, str], spark: SparkSession, modules: Modules
) -> str | None:
    """Execute a notebook from its first cell to its last one, or to its exit.

    Args:
        notebook: A file, `.py` or `.ipynb`.
        parameters: The values of its widgets.
        spark: What it sees as `spark`.
        modules: Where its folder's files are loaded.

    Returns:
        What it handed to `dbutils.notebook.exit`, if it did.

    Raises:
        NotebookError: It has magics that only Databricks executes, or isn't readable.
        Exception: Whatever its code raises.
    """
    namespace = {
        # As on Databricks; and pickle takes functions of `__main__` by value.
        "__name__": "__main__",
        "__file__": str(notebook),
        "__builtins__": modules.builtins(notebook.parent),
        "spark": spark,
        "dbutils": Dbutils(Widgets(dict(parameters)), NotebookTools(notebook)),
        "display": _display,
    }
    _make_active(spark)
    try:
        for code in list(_cells(notebook)):
            exec(code, namespace)  # noqa: S102 - executing it is what is asked for
    except _Exit as done:
        return done.value
    except SystemExit as done:
        if done.code:
            raise NotebookError(f"it ended with sys.exit({done.code!r})") from done
    return None


@dataclass
class Widgets:
    """`dbutils.widgets`: a task's parameters, and defaults that a notebook states."""

    values: dict[str, str]

    def get(self, name: str) -> str:
        """A parameter's value."""
        if name not in self.values:
            there_are = ", ".join(sorted(self.values)) or "none"
            raise NotebookError(
                f'the task gives no parameter "{name}"; there are: {there_are}. '
                f'State a default before:  dbutils.widgets.text("{name}", "...")'
            )
        return self.values[name]

    def getAll(self) -> dict[str, str]:  # noqa: N802 - Databricks' name
        """All parameters."""
        return dict(self.values)

    def text(self, name: str, defaultValue: str, label: str = "") -> None:  # noqa: ARG002, N803 - Databricks' names
        """State a parameter and its default."""
        self.values.setdefault(name, defaultValue)

    def dropdown(
        self,
        name: str,
        defaultValue: str,  # noqa: N803 - Databricks' names
        choices: list[str],  # noqa: ARG002
        label: str = "",
    ) -> None:
        """As `text`: a task shows no widgets."""
        self.text(name, defaultValue, label)

    combobox = multiselect = dropdown

    def remove(self, name: str) -> None:
        """Nothing: a task keeps its parameters."""

    def removeAll(self) -> None:  # noqa: N802 - Databricks' name
        """Nothing: a task keeps its parameters."""


@dataclass
class NotebookTools:
    """`dbutils.notebook`."""

    _notebook: Path

    def exit(self, value: object) -> NoReturn:
        """End the notebook here, with a value for who runs it."""
        raise _Exit(str(value))

    def run(self, path: str, *_: object) -> NoReturn:
        """Refuse: there is no workspace to find the other notebook in."""
        raise NotebookError(
            f"dbutils.notebook.run({path!r}) needs a Databricks workspace. "
            "Make that notebook a table of its own."
        )

    @property
    def entry_point(self) -> Any:
        """The way to the notebook's path, as far as code takes it."""
        path = SimpleNamespace(get=lambda: str(self._notebook.with_suffix("")))
        context = SimpleNamespace(notebookPath=lambda: path)
        notebook = SimpleNamespace(getContext=lambda: context)
        return SimpleNamespace(
            getDbutils=lambda: SimpleNamespace(notebook=lambda: notebook)
        )


@dataclass
class Dbutils:
    """As much of `dbutils` as makes sense on a machine of one's own."""

    widgets: Widgets
    notebook: NotebookTools

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"dbutils.{name} is only on Databricks; here are dbutils.widgets and "
            "dbutils.notebook.exit"
        )


def _display(*_: object, **__: object) -> None:
    """Nothing: nobody looks at a task's cells, and showing rows would compute them."""


def _cells(notebook: Path) -> Iterator[CodeType]:
    """The code of a notebook, under file names by which a traceback finds the line."""
    text = notebook.read_text(encoding="utf-8")
    if notebook.suffix != ".ipynb":
        if magic := _MAGIC_CELL.search(text):
            raise _not_python(magic[1])
        yield compiled_file(text, str(notebook))
        return
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotebookError(f"{notebook.name} is no Jupyter notebook") from error
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] == "code":
            code, name = "".join(cell["source"]), f"{notebook}, cell {number}"
            linecache.cache[name] = (len(code), None, code.splitlines(True), name)
            try:
                yield compiled_file(code, name)
            except SyntaxError:
                if magic := _MAGIC_LINE.search(code):
                    raise _not_python(magic[1]) from None
                raise


def _not_python(magic: str) -> NotebookError:
    return NotebookError(
        f"it uses {magic}, which a local run can't execute. "
        "Write it in Python, such as  spark.sql(...) ."
    )


def _make_active(spark: SparkSession) -> None:
    """Let `SparkSession.active()` find the session in this thread, as in a notebook."""
    type(spark)._set_default_and_active_session(spark)  # type: ignore[attr-defined] # noqa: SLF001 - pyspark has no public way
