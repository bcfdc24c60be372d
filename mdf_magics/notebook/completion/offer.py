"""What is offered at a cursor, and how much of the text before it that replaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

MOST = 200
"""Candidates that are offered at once."""

type Columns = Callable[[Iterable[str]], list[str]]
"""The columns of tables, as far as they are known already."""


@dataclass(frozen=True)
class Offer:
    """Candidates, the best first; none: the cursor isn't ours to complete."""

    word: str = ""
    """The text before the cursor that a candidate replaces."""
    candidates: tuple[str, ...] = ()


NOTHING = Offer()


def matching(word: str, candidates: Iterable[str]) -> Offer:
    """The candidates that go on as the word does."""
    start = word.lower()
    found = (one for one in candidates if one.lower().startswith(start))
    shown = tuple(one for one, _ in zip(found, range(MOST), strict=False))
    return Offer(word, shown) if set(shown) != {word} else Offer(word)


def names_with_dots(
    word: str, names: Iterable[str], *, quoted: bool, others: Iterable[str] = ()
) -> Offer:
    """Names such as `silver.airlines`, some of them only up to the next dot.

    VS Code drops every candidate with a dot, unless a quote is open before the cursor.
    So schemas are offered beside whole names, and what follows a dot alone.

    Args:
        word: What is written of the name.
        names: The names.
        quoted: Whether a quote is open before it.
        others: What else may stand here; these have no dots.
    """
    if quoted:
        return matching(word, [*names, *others])
    before, dot, last = word.rpartition(".")
    if dot:
        start = f"{before}.".lower()
        rests = (
            one[len(start) :].partition(".")[0]
            for one in names
            if one.lower().startswith(start)
        )
        return matching(last, dict.fromkeys(rests))
    names = tuple(names)
    firsts = dict.fromkeys(one.partition(".")[0] for one in names)
    whole = matching(word, [*others, *names])
    schemas = matching(word, firsts)
    return Offer(word, tuple(dict.fromkeys((*schemas.candidates, *whole.candidates))))
