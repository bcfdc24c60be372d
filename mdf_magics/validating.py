"""Validating: what was checked by an earlier command isn't worked out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mdf_magics.definitions.caching import Cache
from mdf_magics.definitions.files import WORTH_CACHING
from mdf_magics.definitions.loading import Definitions
from mdf_magics.errors import Place, Problem, Source

type Checked = tuple[tuple[Problem, ...], int]
"""All problems, and how many tables there are."""


def checked_once(
    definitions: Definitions, settings: str, check: Callable[[], Checked]
) -> Checked:
    """What `check` finds, or found when the very same was checked before.

    Args:
        definitions: What is checked; their texts are what the result is kept by.
        settings: What it depends on besides: target, variables, user.
        check: Checks them.
    """
    read = (*definitions.sources(), definitions.placement.source)
    sources = {one.name: one for one in sorted(read, key=lambda one: one.name)}
    texts = [part for one in sources.values() for part in (one.name, one.text)]
    cache = Cache(definitions.root)
    placed = sorted(definitions.placement.written)
    key = ("problems", settings, *map(str, definitions.problems), *texts, *placed)
    worth = sum(map(len, texts)) > WORTH_CACHING
    known = cache.get(*key) if worth else None
    if known is not None:
        problems = tuple(_problem(one, sources) for one in known["problems"])
        return problems, known["tables"]
    problems, tables = check()
    written = [_written(one) for one in problems]
    # The text that a problem shows may be another than the file's: without a secret.
    if worth and all(_stands_in(one, sources) for one in problems):
        cache.put({"problems": written, "tables": tables}, *key)
    return problems, tables


def _stands_in(problem: Problem, sources: dict[str, Source]) -> bool:
    place = problem.place
    return place is None or sources.get(place.source.name) == place.source


def _written(problem: Problem) -> list[Any]:
    place, where = problem.place, None
    if place:
        name, columns = place.source.name, (place.column, place.length)
        where = [name, place.line, *columns, place.lines_before]
    return [problem.code, problem.message, problem.hint, where, problem.severity]


def _problem(written: list[Any], sources: dict[str, Source]) -> Problem:
    code, message, hint, where, severity = written
    place = Place(sources[where[0]], *where[1:]) if where else None
    return Problem(code, message, hint, place, severity)
