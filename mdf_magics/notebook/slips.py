"""Slips that IPython would refuse before a magic sees its cell.

A cell magic must stand on the first line, have two signs and a body. A cell that
means one of ours is put right, so that it runs or gets an error that helps. Lines keep
their numbers: what an error points at is where the user sees it.
"""

from __future__ import annotations

import ast
import re

from mdf_magics.commands import VERBS

_CELL = re.compile(r"%%mdf_\w+")
_ONE_SIGN = re.compile(
    rf"%({'|'.join(one.magic for one in VERBS if one.face == 'cell')})\b"
)
_EITHER = re.compile(
    rf"%({'|'.join(one.magic for one in VERBS if one.face == 'both')})\b"
)
_YAML = re.compile(r"---\s*$|(?!(?:try|else|finally):)[a-z_]+:(\s|$)")
_SQL = re.compile(r"select\s|with\s+\w+\s+as\s*\(", re.IGNORECASE)
_KNOWN = {one.magic for one in VERBS}
_UNKNOWN = re.compile(r"%%?mdf_(\w+)")


def put_right(lines: list[str]) -> list[str]:
    """A cell's lines as IPython takes them; most cells stay as they are.

    Comments above the magic are put below it (left out where no YAML follows: `#` is
    no comment in SQL), a missing `%` is put before it, and an empty cell gets a blank
    line. A magic that we don't have becomes a question for its help, which says what
    there is.

    Raises:
        SyntaxError: Code stands above a cell magic of ours.
    """
    first = next((n for n, one in enumerate(lines) if not _is_passed_over(one)), None)
    if first is None:
        return lines
    magic, above, below = lines[first], lines[:first], lines[first + 1 :]
    unknown = _UNKNOWN.match(magic)
    if unknown and f"mdf_{unknown[1]}" not in _KNOWN:
        ours = [] if magic.startswith("%%") else below
        return [*above, f"%mdf_help {unknown[1]}\n", *ours]
    if _ONE_SIGN.match(magic) or (_EITHER.match(magic) and _is_body(below)):
        magic = f"%{magic}"
    if not _CELL.match(magic):
        _refuse_code_above(lines)
        return lines
    if not _is_yaml(below):
        above = ["\n"] * len(above)
    if not any(map(str.strip, below)):
        below = ["\n", "\n"]
    magic = magic if magic.endswith("\n") else f"{magic}\n"
    return [magic, *above, *below]


def _is_passed_over(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_body(lines: list[str]) -> bool:
    first = next((one for one in lines if not _is_passed_over(one)), "")
    return _is_yaml(lines) or _SQL.match(first) is not None


def _refuse_code_above(lines: list[str]) -> None:
    """IPython would complain about our YAML, as if it were Python."""
    number = next((n for n, one in enumerate(lines) if _CELL.match(one)), 0)
    above = ["pass\n" if one[0] in "%!" else one for one in lines[:number]]
    if not above or lines[0].startswith("%%"):
        return
    try:
        ast.parse("".join(above))
    except SyntaxError:  # the line is part of a text
        return
    magic = lines[number].split()[0]
    message = f"{magic} must be its cell's first line: give it a cell of its own"
    place = ("cell", number + 1, 1, lines[number], number + 1, 1 + len(magic))
    raise SyntaxError(message, place)


def _is_yaml(lines: list[str]) -> bool:
    first = next((one for one in lines if not _is_passed_over(one)), "")
    return _YAML.match(first) is not None
