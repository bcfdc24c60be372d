"""merge and scd2 against the rules of AUTO CDC, computed here row by row.

The rules are those of open-source Spark's AUTO CDC: events of a key in the order of
their sequence, a deletion before an upsert at one time, equal neighbours one row.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ALL
from tests.runtime.home import Home, query


class Event(NamedTuple):
    """A change of a key."""

    key: int
    at: int
    what: str | None
    deletes: bool


EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(1, 2),
        st.integers(1, 6),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=10,
    # Two upserts of a key at one time: which counts isn't defined.
    unique_by=lambda one: (one.key, one.at, one.deletes),
)
"""Changes in the order they arrive: late ones, repeated ones, deletions, ties."""


def expected_history(events: list[Event]) -> list[tuple[Any, ...]]:
    """The rows of AUTO CDC type 2."""
    rows: list[tuple[Any, ...]] = []
    in_order = sorted(events, key=lambda one: (one.key, one.at))
    for key, many in groupby(in_order, lambda one: one.key):
        at_once: dict[int, Event] = {}
        for one in many:
            if one.at not in at_once or one.deletes:
                at_once[one.at] = one
        opened: Event | None = None
        for one in (at_once[at] for at in sorted(at_once)):
            same = opened and not one.deletes and one.what == opened.what
            if opened and not same:
                rows.append((key, opened.what, opened.at, one.at))
            if not same:
                opened = None if one.deletes else one
        if opened:
            rows.append((key, opened.what, opened.at, None))
    return sorted(rows, key=repr)


def expected_newest(events: list[Event]) -> list[tuple[Any, ...]]:
    """The rows of AUTO CDC type 1."""
    last: dict[int, Event] = {}
    for one in events:
        known = last.get(one.key)
        if known is None or (one.at, one.deletes) >= (known.at, known.deletes):
            last[one.key] = one
    rows = [(one.key, one.at, one.what) for one in last.values() if not one.deletes]
    return sorted(rows, key=repr)


def land(home: Home, events: list[Event]) -> None:
    rows = ", ".join(
        f"({one.key}, {one.at}, {'NULL' if one.what is None else repr(one.what)},"
        f" {str(one.deletes).lower()})"
        for one in events
    )
    typed = "id INT, at INT, what STRING, gone BOOLEAN"
    columns = ", ".join(
        f"CAST({name} AS {kind}) AS {name}"
        for name, kind in (one.split() for one in typed.split(", "))
    )
    home.build(
        "bronze.events",
        sql=query(f"SELECT {columns} FROM VALUES {rows} AS v(id, at, what, gone)"),
    )


@settings(
    max_examples=40 if ALL else 6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=EVENTS, first=st.integers(1, 10))
def test_both_hold_what_the_rules_say_in_whatever_order_changes_arrive(
    home: Home, events: list[Event], first: int
) -> None:
    name = f"silver.run_{home.runs}"
    table = {
        "sql": lambda source: f"SELECT id, at, what, gone FROM {source}",
        "arguments": {"source": {"stream": "main.bronze.events"}},
        "keys": ["id"],
        "sequence_by": "at",
        "apply_as_deletes": "gone",
    }
    land(home, events[:first])
    home.build(f"{name}_2", **table, write="scd2")
    home.build(f"{name}_1", **table, write="merge")
    land(home, events)

    home.build(f"{name}_2", **table, write="scd2")
    home.build(f"{name}_1", **table, write="merge")

    assert home.rows(f"{name}_2", "id, what, __START_AT, __END_AT") == (
        expected_history(events)
    )
    assert home.rows(f"{name}_1", "id, at, what") == expected_newest(events)
    again = [
        home.build(f"{name}_{number}", **table, write=write)["rows"]
        for number, write in ((1, "merge"), (2, "scd2"))
    ]
    assert again == [0, 0]
