"""How errors are shown: one block, and the traceback only when it is asked for."""

from __future__ import annotations

import traceback

from IPython.core.error import UsageError

from mdf_magics.commands import WrongUsage
from mdf_magics.errors import MdfError


class LastError:
    """The last error of a shell's magics, for `%mdf_debug`."""

    def __init__(self) -> None:
        """None yet."""
        self._error: BaseException | None = None

    def shown(self, error: MdfError, *, verbose: bool) -> BaseException:
        """The error as it is to be raised.

        IPython shows what `_render_traceback_` returns as the error's output. What is
        wrong with a line itself is a UsageError, as other magics have it.
        """
        self._error = error
        if verbose:
            return error
        if isinstance(error, WrongUsage):
            problem = error.problems[0]
            return UsageError(
                "\n  ".join(filter(None, [problem.message, problem.hint]))
            )
        block = str(error).splitlines()
        error._render_traceback_ = lambda: block  # type: ignore[attr-defined]
        return error

    def traceback(self) -> str:
        """Where the last error comes from, with what caused it."""
        if self._error is None:
            return "There was no error yet."
        return "".join(traceback.format_exception(self._error)).rstrip()


def interrupted(interrupt: KeyboardInterrupt, *, saving: bool) -> KeyboardInterrupt:
    """An interrupt, shown in one line."""
    block = ["Interrupted. Nothing was saved." if saving else "Interrupted."]
    block += getattr(interrupt, "__notes__", [])
    interrupt._render_traceback_ = lambda: block  # type: ignore[attr-defined]
    return interrupt
