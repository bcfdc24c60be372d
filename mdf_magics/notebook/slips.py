"""Slips that IPython would refuse before a magic sees its cell.

A cell magic must stand on the first line, have two signs and a body. A cell that
means one of ours is put right, so that it runs or gets an error that helps. Lines keep
their numbers: what an error points at is where the user sees it.
"""

from __future__ import annotations

import re

from mdf_magics.commands import VERBS

_CELL = re.compile(r"%%mdf_\w+")
_ONE_SIGN = re.compile(
    rf"%({'|'.join(one.magic for one in VERBS if one.face == 'cell')})\b"
)
_YAML = re.compile(r"---\s*$|[a-z_]+:(\s|$)")


def put_right(lines: list[str]) -> list[str]:
    """A cell's lines as IPython takes them; most cells stay as they are.

    Comments above the magic are put below it (left out where no YAML follows: `#` is
    no comment in SQL), a missing `%` is put before it, and an empty cell gets a blank
    line.
    """
    first = next((n for n, one in enumerate(lines) if not _is_passed_over(one)), None)
    if first is None:
        return lines
    magic, above, below = lines[first], lines[:first], lines[first + 1 :]
    if _ONE_SIGN.match(magic):
        magic = f"%{magic}"
    if not _CELL.match(magic):
        return lines
    if not _is_yaml(below):
        above = ["\n"] * len(above)
    if not any(map(str.strip, below)):
        below = ["\n", "\n"]
    magic = magic if magic.endswith("\n") else f"{magic}\n"
    return [magic, *above, *below]


def _is_passed_over(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_yaml(lines: list[str]) -> bool:
    first = next((one for one in lines if not _is_passed_over(one)), "")
    return _YAML.match(first) is not None
