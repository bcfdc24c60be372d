"""Whatever was wanted, broken and edited before: one clean deploy puts all right."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.deploying.workspaces.protocol import (
    OutcomeUnknown,
    PermissionDenied,
    Refused,
)
from mdf_magics.errors import MdfError
from mdf_magics.planning.resources import Compiled, Resource
from tests.deploying.desired import compiled, part, whole
from tests.deploying.place import Place


@st.composite
def projects(draw: st.DrawFn) -> Compiled:
    """Up to four parts on jobs and pipelines, some with `all` that runs them.

    Tables are drawn apart from parts, so that they move from one project to the next;
    some groups say what they were called before.
    """
    kinds = draw(
        st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["job", "pipeline"]))
    )
    homes = st.sampled_from([*sorted(kinds), ""])
    placed = {f"s.t{number}": draw(homes) for number in range(5)}
    parts: list[Resource] = []
    for key, kind in sorted(kinds.items()):
        tables = [table for table, home in placed.items() if home == key]
        gone = st.sampled_from([None, *sorted(set("abcd") - kinds.keys())])
        timeout = draw(st.integers(0, 2))
        if tables:
            parts.append(
                part(key, *tables, kind=kind, timeout_seconds=timeout,
                     renamed_from=draw(gone))
            )  # fmt: skip
    versions = {
        f"src/{one.key}.py": f"# {draw(st.integers(0, 1))} {one.tables}\n"
        for one in parts
    }
    orchestrated = draw(st.booleans())
    ends = [whole(parts)] if parts and orchestrated else []
    return compiled(*parts, *ends, code=versions)


LOST = [OutcomeUnknown("lost"), KeyboardInterrupt()]
ERRORS = {
    "before": [*LOST, PermissionDenied("denied"), Refused("refused")],
    "after": LOST,  # who says no has done nothing
}


@st.composite
def faults(draw: st.DrawFn) -> dict[str, Any]:
    """Calls, by number and side, that go wrong, and how."""
    numbers = st.integers(1, 16)
    return {
        when: draw(st.dictionaries(numbers, st.sampled_from(errors), max_size=3))
        for when, errors in ERRORS.items()
    }


EDITS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["delete", "edit"])), max_size=2
)
STEPS = st.lists(st.tuples(projects(), faults(), EDITS), min_size=1, max_size=3)


def arm(place: Place, plan: dict[str, Any]) -> None:
    for when, errors in plan.items():
        count = itertools.count(1)

        def fault(method: str, subject: str, errors=errors, count=count) -> None:
            error = errors.get(next(count))
            if error:
                raise error

        setattr(place.workspace, when, fault)


def by_hand(place: Place, edits: list[tuple[str, str]]) -> None:
    for key, edit in edits:
        for remote in place.remotes():
            if remote.tags["mdf_key"] == key and edit == "delete":
                place.local.delete(remote.kind, remote.remote_id)
            elif remote.tags["mdf_key"] == key:
                place.edit(key, lambda settings: settings.update(description="by hand"))


def deploy(place: Place, desired: Compiled) -> None:
    deletions = len(place.deployer.plan(desired).of("delete"))
    place.deploy(desired, delete=deletions, yes=True)


@given(STEPS, projects())
def test_one_clean_deploy_puts_all_right(steps: list[Any], wanted: Compiled):
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        for desired, plan, edits in steps:
            arm(place, plan)
            with contextlib.suppress(MdfError, KeyboardInterrupt):
                deploy(place, desired)
            place.forget_faults()
            keys = [remote.tags["mdf_key"] for remote in place.remotes()]
            assert len(keys) == len(set(keys)), "something is there twice"
            by_hand(place, edits)

        # Settling may show more deletions than the plan before it could know.
        with contextlib.suppress(MdfError):
            deploy(place, wanted)
        deploy(place, wanted)

        place.check_agreement(wanted)
