"""One check of `mdf doctor`: what it looked at, what it found, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mdf_magics.errors import MdfError, Problem
from mdf_magics.plain_text import aligned, count

type Status = Literal["ok", "warning", "error"]

_MARKS: dict[Status, str] = {"ok": "ok", "warning": "warning", "error": "ERROR"}


@dataclass(frozen=True)
class Check:
    """What one check found."""

    name: str
    """What was looked at: `login`."""
    status: Status
    found: str
    """What was found, in a few words, or what is wrong, in a sentence."""
    fix: str = ""
    """What to do; empty when all is well."""


@dataclass(frozen=True)
class Diagnosis:
    """What all checks found."""

    target: str
    checks: tuple[Check, ...]

    def text(self) -> str:
        """A line for each check, and below those that aren't well what to do."""
        lines = aligned(
            [(_MARKS[one.status], one.name, one.found) for one in self.checks]
        )
        shown = [f"target {self.target}", ""]
        for line, check in zip(lines, self.checks, strict=True):
            shown.append(line)
            shown += [f"         {fix}" for fix in check.fix.splitlines()]
        bad = [one for one in self.checks if one.status != "ok"]
        said = f"{count(len(bad), 'thing')} to mend" if bad else "all is well"
        return "\n".join([*shown, "", said])

    def to_json(self) -> dict[str, Any]:
        """The checks in the order they were made."""
        checks = [asdict(one) for one in self.checks]
        return {"target": self.target, "checks": checks}

    @property
    def failure(self) -> MdfError | None:
        """The error that it is, for a cell or a command; warnings are none."""
        bad = [one.name for one in self.checks if one.status == "error"]
        if not bad:
            return None
        hint = "Do what stands below them, then look again."
        return MdfError(Problem("unwell", f"not well: {', '.join(bad)}", hint))


def looked(name: str, look: Callable[[], str]) -> Check:
    """A check that is well unless looking raises.

    Args:
        name: What is looked at.
        look: Says what was found.
    """
    try:
        return Check(name, "ok", look())
    except MdfError as error:
        return of_problem(name, error.problems[0])


def of_problem(
    name: str, problem: Problem | None, found: str = "", status: Status = "error"
) -> Check:
    """A check that found a problem, or else something that is well."""
    if problem is None:
        return Check(name, "ok", found)
    return Check(name, status, problem.message, problem.hint)
