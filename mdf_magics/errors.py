"""What can go wrong, in one tree.

MdfError                  something that the user can put right
├── DefinitionError       definitions, a cell or a command line say something wrong
├── EngineError           the engine refused a query
│   ├── QueryStopped      the query was cancelled, or took too long
│   └── EngineUnavailable the engine can't be reached or can't start
│       └── SessionExpired  the server has forgotten the session; a new one works
├── StateError            the state store refused or can't be trusted
│   ├── Locked            somebody else holds the target's lease
│   ├── LeaseLost         our lease was taken over: nothing more may be written
│   └── StateUnreachable  the store doesn't answer, or somebody keeps it busy
├── DeployError           a resource could not be created, updated or deleted
│   └── ConsentMissing    the plan does something that wants a word of the user
└── RunError              a table could not be built

Every error is made of problems, so that a command can show all of them at once.
This module imports nothing of ours: every room may raise these.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field


def lines_of(text: str) -> list[str]:
    """A text's lines as editors and YAML count them; the last may be empty."""
    return re.split(r"\r\n|\r|\n", text)


@dataclass(frozen=True)
class Source:
    """A text that problems point into: a file of the project or a cell."""

    name: str
    """Path of the file relative to the project's root; empty for a cell."""
    text: str = field(repr=False)


@dataclass(frozen=True)
class Place:
    """Where a problem is. Line and column count from 1."""

    source: Source
    line: int
    column: int = 1
    length: int = 1
    lines_before: int = 0
    """How many earlier lines are shown for context."""

    def __str__(self) -> str:
        if self.source.name:
            return f"{self.source.name}:{self.line}:{self.column}"
        return f"cell line {self.line}, column {self.column}"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is, and what to do about it."""

    code: str
    """Stable and readable, such as `unknown-transformation`."""
    message: str
    """What is wrong, in one sentence without a final stop."""
    hint: str = ""
    """What to do, in full sentences."""
    place: Place | None = None
    severity: str = "error"
    """`error` or `warning`."""

    def to_json(self) -> dict[str, object]:
        """The problem in the shape that `mdf validate --json` documents."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": (self.place.source.name or None) if self.place else None,
            "line": self.place.line if self.place else None,
            "column": self.place.column if self.place else None,
            "message": self.message,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        """A compact block: what, where with the line and a caret, what to do."""
        warning = "warning: " if self.severity == "warning" else ""
        lines = [f"{warning}{self.code}: {self.message}"]
        if self.place:
            lines += [f"  {self.place}", *_excerpt(self.place)]
        lines += [f"  {line}" if line else "" for line in self.hint.splitlines()]
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", "\n".join(lines))


_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
"""What a terminal would obey instead of showing it."""

WIDEST = 100
"""Characters of a source line that a problem shows; more is cut around the place."""


def _excerpt(place: Place) -> list[str]:
    texts = lines_of(place.source.text)
    if not place.source.text or not 1 <= place.line <= len(texts):
        return []
    width = len(str(place.line))
    left = max(0, place.column - WIDEST // 2) if place.column > WIDEST else 0
    shown = [
        f"    {number:>{width}} | {_cut(texts[number - 1], left)}".rstrip()
        for number in range(max(1, place.line - place.lines_before), place.line + 1)
    ]
    column = place.column - left
    room = len(_cut(texts[place.line - 1], left)) - column + 1
    carets = "^" * max(1, min(place.length, room))
    return [*shown, f"    {'':>{width}} | {'':>{column - 1}}{carets}"]


def _cut(line: str, left: int) -> str:
    return line.replace("\t", " ")[left : left + WIDEST]


class MdfError(Exception):
    """Something that the user can put right; made of one or more problems."""

    def __init__(self, *problems: Problem, note: str = "") -> None:
        """Collect the problems.

        Args:
            problems: What is wrong, in the order it is to be shown.
            note: A last sentence about the whole, such as "Nothing was saved."
        """
        super().__init__(*problems)
        self.problems = list(problems)
        self.note = note

    def __str__(self) -> str:
        blocks = [str(problem) for problem in self.problems]
        if self.note and len(blocks) == 1:
            return f"{blocks[0]}\n  {self.note}"
        return "\n\n".join([*blocks, self.note] if self.note else blocks)


class DefinitionError(MdfError):
    """Definitions, a cell or a command line say something wrong."""


class EngineError(MdfError):
    """The engine refused a query, or a table to read isn't there."""


class QueryStopped(EngineError):
    """The query was cancelled, or took longer than the target allows."""


class EngineUnavailable(EngineError):
    """The engine can't be reached or can't start."""


class SessionExpired(EngineUnavailable):
    """The server has forgotten the session; what only reads is done once more."""


class StateError(MdfError):
    """The state store refused, or what it holds can't be trusted."""


class Locked(StateError):
    """Somebody else holds the target's lease."""


class LeaseLost(StateError):
    """Our lease was taken over: nothing more may be written."""


class StateUnreachable(StateError):
    """The state store doesn't answer; what was asked may or may not have happened."""


class DeployError(MdfError):
    """A resource could not be created, updated or deleted."""


class ConsentMissing(DeployError):
    """The plan does something that wants a word of the user."""

    def __init__(
        self, *problems: Problem, note: str = "", enough: object = None
    ) -> None:
        """Collect what is asked.

        Args:
            problems: What wants a word.
            note: A last sentence about the whole.
            enough: The `Consent` that would do.
        """
        super().__init__(*problems, note=note)
        self.enough = enough


class RunError(MdfError):
    """A table could not be built."""


def closest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` most likely meant, or None."""
    known = {candidate.lower(): candidate for candidate in names}
    matches = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return known[matches[0]] if matches else None


def did_you_mean(name: str, names: Iterable[str], *, limit: int = 12) -> str:
    """A hint for an unknown name: the closest one, and what there is.

    Args:
        name: What was written.
        names: What would have been right.
        limit: How many names are listed at most.

    Returns:
        One or two sentences; empty when `names` is.
    """
    known = sorted(names)
    if not known:
        return ""
    near = closest(name, known)
    more = f" and {len(known) - limit} more" if len(known) > limit else ""
    there_are = f"There are: {', '.join(known[:limit])}{more}."
    return f'Did you mean "{near}"? {there_are}' if near else there_are
