"""Definition files in which a merge left its conflict: what can be kept of both sides.

Two branches that add entries at one place, mostly the end of a list, are a conflict
for git, which compares lines; here whole entries are compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdf_magics.definitions.entries import identity
from mdf_magics.definitions.files import FOLDER
from mdf_magics.definitions.pieces import Pieces, read_pieces, split
from mdf_magics.definitions.reading import CONFLICT, read_text
from mdf_magics.definitions.storing import Change, locked, write

_MARKERS = {"<<<<<<< ": "ours", "||||||| ": "base", "=======": "theirs", ">>>>>>> ": ""}
"""Lines that git puts in, and whose lines follow; empty: those of both sides."""


@dataclass(frozen=True)
class _Item:
    """An entry of a list, as one side of a merge has it."""

    above: str
    """What stands between it and the entry before: line ends, comments."""
    text: str
    identity: tuple[Any, ...]


def repair_conflicts(root: Path) -> list[Change]:
    """Keep the entries of both sides in files with conflicts.

    A file is left alone where a person has to decide: both sides have an entry that
    differs, or differ outside of entries.

    Returns:
        What was changed.
    """
    changes = []
    for path in sorted((root / FOLDER).rglob("*.y*ml")):
        name = path.relative_to(root).as_posix()
        text, problem = read_text(path, name)
        if not problem and CONFLICT.search(text) and (both := merged(text)):
            changes.append(Change(name, text, both))
    if changes:
        with locked(root):
            write(root, changes)
    return changes


def merged(text: str) -> str | None:
    """A file's text with the entries of both sides; None where a person must decide."""
    ours, theirs = _side(text, "ours"), _side(text, "theirs")
    mine, others = split(ours), split(theirs)
    if not mine or not others or mine.head != others.head:
        return None
    own, more = _items(mine), _items(others)
    if not own or not more or mine.tail.strip() != others.tail.strip():
        return None
    known = {one.identity: one.text for one in own}
    if any(one.text != known.get(one.identity, one.text) for one in more):
        return None
    new = (one for one in more if one.identity not in known)
    end = mine.starts[-2] + len(own[-1].text)
    return ours[:end] + "".join(one.above + one.text for one in new) + ours[end:]


def _side(text: str, wanted: str) -> str:
    """The text as one side of the merge had it."""
    kept, whose = [], ""
    for line in text.splitlines(keepends=True):
        marker = next((one for one in _MARKERS if line.startswith(one)), None)
        if marker is not None:
            whose = _MARKERS[marker]
        elif whose in ("", wanted):
            kept.append(line)
    return "".join(kept)


def _items(pieces: Pieces) -> list[_Item]:
    """The entries, each with what stands above it; none where they can't be read."""
    read = read_pieces(pieces, {})
    if read is None:
        return []
    values = read[0][pieces.section]
    items, above = [], "\n\n"
    for text, value in zip(pieces.items(), values, strict=True):
        column = len(text) - len(text.lstrip(" "))
        behind = rf"(?:\r?\n(?:[ \t]*|[ ]{{0,{column}}}#[^\r\n]*))*\Z"
        end = re.search(behind, text).start()  # type: ignore[union-attr]
        items.append(_Item(above, text[:end], identity(value)))
        above = text[end:]
    return items
