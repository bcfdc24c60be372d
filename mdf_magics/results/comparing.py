"""How a preview differs from the last one of the same table."""

from __future__ import annotations

from collections import Counter

from mdf_magics.plain_text import count
from mdf_magics.running.preview import Preview


def difference(before: Preview, now: Preview) -> str:
    """What is different, in one line.

    Args:
        before: The last preview.
        now: The one that is shown.
    """
    found = [*_columns(before, now), *_rows(before, now)]
    if not found:
        return "the same as the last preview"
    return f"since the last preview: {', '.join(found)}"


def _columns(before: Preview, now: Preview) -> list[str]:
    had = {one.name: one.type for one in before.rows.columns}
    has = {one.name: one.type for one in now.rows.columns}
    changed = [one for one in has if had.get(one, has[one]) != has[one]]
    return [
        *(f"column {one} is new" for one in has if one not in had),
        *(f"column {one} is gone" for one in had if one not in has),
        *(f"{one} is {has[one]}, it was {had[one]}" for one in changed),
    ]


def _rows(before: Preview, now: Preview) -> list[str]:
    """How the rows differ in the columns that both have."""
    figures = count(len(now.rows.rows), "row"), f"{len(before.rows.rows):,}"
    if len(before.rows.rows) != len(now.rows.rows):
        return ["{} instead of {}".format(*figures)]
    had, has = ([one.name for one in x.rows.columns] for x in (before, now))
    both = [name for name in has if name in had]
    old = [[row[had.index(name)] for name in both] for row in before.rows.rows]
    new = [[row[has.index(name)] for name in both] for row in now.rows.rows]
    if old == new:
        return []
    others = (Counter(map(repr, new)) - Counter(map(repr, old))).total()
    if not others:
        return ["the rows in another order"]
    changed = [
        name
        for index, name in enumerate(both)
        if [row[index] for row in old] != [row[index] for row in new]
    ]
    if len(changed) < len(both):
        return [f"other values of {', '.join(changed)}"]
    return [f"{others:,} of {figures[0]} differ"]
