"""`placement.yml`: the part of each table, one line each, so that branches merge.

It is read line by line, not as YAML: a bad merge is told with its lines and can be
repaired, and 10,000 lines take a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mdf_magics.definitions.storing import LOCAL_FOLDER, Change
from mdf_magics.errors import Place, Problem, Source, lines_of

PLACEMENT_FILE = "definitions/placement.yml"

WRITTEN_FILE = f"{LOCAL_FOLDER}/placement.yml"
"""What this machine wrote last. It tells a line of a table whose definition was taken
away since, which the next command removes, from one that never made sense."""

ATTRIBUTES_FILE = "definitions/.gitattributes"
ATTRIBUTES = "placement.yml merge=union\n"
"""Git takes the lines of both sides, so that tables which both branches add beside one
another are no conflict (gitattributes, "Built-in merge drivers")."""

HEADER = "# written by mdf: which part each table is in\n"

REPAIR = "Say  mdf validate --fix  or  %mdf_validate --fix ."

_MARKERS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


@dataclass(frozen=True)
class Placement:
    """What the file says, and where."""

    source: Source
    parts: dict[str, str] = field(default_factory=dict)
    """Table to part; of a table that stands there twice the first line counts."""
    lines: dict[str, int] = field(default_factory=dict)
    """Table to its line, from 1."""
    problems: tuple[Problem, ...] = ()
    written: frozenset[str] = frozenset()
    """The lines that this machine wrote last."""

    def was_written(self, table: str) -> bool:
        """Whether a table's line is one that this machine wrote."""
        return _line(table, self.parts[table]) in self.written

    def place(self, table: str) -> Place:
        """Where a table's line is."""
        return Place(self.source, self.lines.get(table, 1), 1, len(table))


def read_placement(text: str, written: str = "") -> Placement:
    """Read the file's text.

    Args:
        text: The text.
        written: What this machine wrote last.
    """
    source = Source(PLACEMENT_FILE, text)
    placement = Placement(source)
    problems: list[Problem] = []
    is_base = False
    for number, line in enumerate(lines_of(text), 1):
        if marker := next((one for one in _MARKERS if line.startswith(one)), None):
            if marker == "<<<<<<<":
                message = "a merge left its conflict here"
                place = Place(source, number, 1, len(marker))
                problems.append(Problem("merge-conflict", message, REPAIR, place))
            is_base = marker == "|||||||"  # what both sides had before
        elif not is_base:
            problems += _read_line(line, number, placement)
    known = frozenset(written.splitlines())
    return Placement(source, placement.parts, placement.lines, tuple(problems), known)


def placement_text(parts: Mapping[str, str]) -> str:
    """The file's text: one sorted line for each table."""
    lines = [f"{_line(name, part)}\n" for name, part in sorted(parts.items())]
    return HEADER + "".join(lines)


def placement_changes(root: Path, parts: Mapping[str, str]) -> list[Change]:
    """What becomes of the file; it isn't made for a project without tables.

    Other files come with it: what git is told of it, and what this machine remembers.
    A file that a merge has left with problems stays as it is until it is repaired:
    which of two lines was meant is for a person to see.
    """
    before, after = _content(root / PLACEMENT_FILE), placement_text(parts)
    if before is None and not parts:
        return []
    if before is not None and read_placement(before).problems:
        return []
    same = before is not None and before.replace("\r\n", "\n") == after
    return [
        Change(PLACEMENT_FILE, before, before if same else after),
        *_beside(root, parts, is_new=before is None),
    ]


def repair_changes(root: Path, parts: Mapping[str, str]) -> list[Change]:
    """What becomes of the file when it is repaired, whatever is wrong with it."""
    before = _content(root / PLACEMENT_FILE)
    change = Change(PLACEMENT_FILE, before, placement_text(parts))
    return [change, *_beside(root, parts, is_new=before is None)]


def _beside(root: Path, parts: Mapping[str, str], *, is_new: bool) -> list[Change]:
    """What becomes of the files that go with a placement."""
    written = _content(root / WRITTEN_FILE)
    changes = [Change(WRITTEN_FILE, written, placement_text(parts))]
    if is_new and not (root / ATTRIBUTES_FILE).exists():
        changes.append(Change(ATTRIBUTES_FILE, None, ATTRIBUTES))
    return changes


def _line(name: str, part: str) -> str:
    return f"{name}: {part}"


def _read_line(line: str, number: int, placement: Placement) -> list[Problem]:
    text = line.partition(" #")[0].strip().lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
    if text in ("", "{}") or text.startswith("#"):
        return []
    name, colon, part = (one.strip(" \t\"'") for one in text.partition(":"))
    if not colon or not name or " " in name or " " in part:
        message = "this is no line  schema.table: part"
        place = Place(placement.source, number, 1, len(line))
        return [Problem("bad-placement", message, REPAIR, place)]
    if placement.parts.get(name) == part:  # as git's union of two sides leaves it
        return []
    if name in placement.parts:
        first, line_there = placement.parts[name], placement.lines[name]
        message = f"{name} is placed twice: in {first} (line {line_there}) and {part}"
        hint = f"{REPAIR} It keeps {first}."
        place = Place(placement.source, number, 1, len(name))
        return [Problem("duplicate-placement", message, hint, place)]
    placement.parts[name] = part
    placement.lines[name] = number
    return []


def _content(path: Path) -> str | None:
    if not path.exists():
        return None
    return path.read_bytes().decode("utf-8-sig", errors="replace")
