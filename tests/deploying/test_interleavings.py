"""Two deploys in any order of their steps: nothing is there twice, no write is lost."""

from __future__ import annotations

from collections import Counter
from functools import partial
from random import Random

import pytest

from mdf_magics.planning.resources import Compiled
from tests.conftest import ALL
from tests.deploying import interleaving
from tests.deploying.desired import compiled, part, whole
from tests.deploying.interleaving import Story, call_in_turn

STORIES = 1_000 if ALL else 300
"""In each of ten tests; the sample has one."""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("survey", "applying", "settling"):
        monkeypatch.setattr(f"mdf_magics.deploying.{module}.call_all", call_in_turn)
    monkeypatch.setattr(
        "mdf_magics.deploying.deployer.KeptLease", interleaving.SteppedLease
    )


def project(random: Random) -> Compiled:
    """Some of three parts, one of them on a job or a pipeline, perhaps with `all`."""
    parts = [
        part("a", "s.a", timeout_seconds=random.randint(0, 1)),
        part("b", "s.b", kind=random.choice(["job", "pipeline"])),
        part("c", *random.choice([("s.c",), ("s.c", "s.d")])),
    ]
    chosen = random.sample(parts, random.randint(1, 3))
    ends = [whole(chosen)] if random.random() < 0.5 else []
    return compiled(*chosen, *ends, code={"src/a.py": f"# {random.randint(0, 1)}\n"})


def check(story: Story, wanted: Compiled) -> None:
    """One resource a key, state and workspace agree, rows are whole."""
    snapshot = story.deployer().store.snapshot()
    assert sorted(snapshot.resources) == [one.key for one in wanted.resources]
    remote = {
        (one.tags["mdf_key"], one.kind, one.remote_id)
        for one in story.workspace.resources.values()
    }
    assert remote == {
        (row.key, row.kind, row.remote_id) for row in snapshot.resources.values()
    }
    rows = story.journal.rows
    assert snapshot.pending == ()
    assert [row.fence for row in rows] == sorted(row.fence for row in rows)
    outcomes = Counter(row.operation_id for row in rows if row.phase != "intent")
    assert set(outcomes.values()) <= {1}, "an operation has two outcomes"


@pytest.mark.parametrize("tenth", range(10 if ALL else 1))
def test_random_interleavings(capsys: pytest.CaptureFixture[str], tenth: int) -> None:
    endings: Counter[str] = Counter()
    takeovers = 0
    for seed in range(tenth * STORIES, (tenth + 1) * STORIES):
        random, story = Random(seed), Story(seed)
        if random.random() < 0.5:
            story.deploy(project(random))
        wishes = {name: project(random) for name in ("first", "second")}

        outcomes = story.turns.play(
            {name: partial(story.deploy, wish, name) for name, wish in wishes.items()}
        )

        endings.update(outcomes.values())
        takeovers += "LeaseLost" in outcomes.values()
        wanted = project(random)
        story.turns.now += 1000
        story.deploy(wanted)
        check(story, wanted)
        story.workspace.calls.clear()
        assert story.deploy(wanted).done == ()
        assert set(story.workspace.calls) <= {"get", "uploaded"}
    with capsys.disabled():
        print(f"\n{STORIES} interleavings: {dict(endings)}, {takeovers} takeovers")
    assert endings["LeaseLost"] > STORIES / 100
    assert endings["Killed"] > STORIES / 20
    assert endings["done"] > STORIES / 2
