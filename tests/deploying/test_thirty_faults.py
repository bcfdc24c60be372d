"""The faults that hurt people elsewhere, one test each; the state's are in tests/state.

What deserves more than one story has a module of its own: lost replies, moves, kills at
every call, every kind of request broken, two deploys at once.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.deploying import applying
from mdf_magics.deploying.workspaces.protocol import PermissionDenied, Refused
from mdf_magics.errors import ConsentMissing, DeployError, StateError
from mdf_magics.planning.resources import Compiled
from tests.deploying.desired import BRONZE, FLIGHTS, WITHOUT_GOLD, compiled, part, whole
from tests.deploying.faults import lost, on
from tests.deploying.place import Place
from tests.deploying.remote import TARGET, RemoteTarget
from tests.planning.plans import PROJECT, plan, query
from tests.workspace import WorkspaceServer

CREATE = "POST .*/jobs/create"
JOB = compiled(part("bronze", "bronze.a", target=TARGET), target=TARGET,
               code={"src/bronze.py": "# Databricks notebook source\n"})  # fmt: skip


@pytest.fixture
def remote(tmp_path: Any, server: WorkspaceServer) -> RemoteTarget:
    return RemoteTarget(tmp_path, server)


def die(
    place: Place, when: str, call: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From this call on nothing answers: neither the workspace nor the store."""
    dead: list[bool] = []
    real = place.store.write

    def reached(method: str, subject: str) -> None:
        if dead or (method, subject) == call:
            dead.append(True)
            raise lost()

    def write(*given: Any) -> None:
        if dead:
            raise StateError
        real(*given)

    setattr(place.workspace, when, reached)
    if when == "after":
        place.workspace.before = lambda *_: reached("", "") if dead else None
    monkeypatch.setattr(place.store, "write", write)
    monkeypatch.setattr(place.store, "release", write)


def one_by_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Bronze is made before gold dies, and what came of it isn't written by then."""
    monkeypatch.setattr(applying, "GROUP_SECONDS", math.inf)
    return Place(folder, concurrency=1)


def next_day(place: Place) -> Place:
    """Another process, when the dead one's lease has ended."""
    return Place(place.folder, seconds_later=200)


def creates(place: Place) -> list[str]:
    return [key for method, key in place.workspace.calls if method == "create"]


def test_fault_01_crash_between_intent_and_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = one_by_one(tmp_path, monkeypatch)
    die(place, "before", ("create", "gold"), monkeypatch)
    with pytest.raises(StateError):
        place.deploy(FLIGHTS)
    nonces = {row.key: row.nonce for row in place.store.pending()}

    later = next_day(place)
    assert later.deploy(FLIGHTS).succeeded

    assert {row.key: row.nonce for row in later.store.state()}.items() >= nonces.items()
    later.check_agreement(FLIGHTS)


def test_fault_02_crash_between_call_and_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = one_by_one(tmp_path, monkeypatch)
    die(place, "after", ("create", "gold"), monkeypatch)
    with pytest.raises(StateError):
        place.deploy(FLIGHTS)
    (made,) = place.local.find("job", "[local] flights gold")

    later = next_day(place)
    assert later.deploy(FLIGHTS).succeeded

    assert "gold" not in creates(later)
    assert later.ids()["gold"] == made.remote_id
    later.check_agreement(FLIGHTS)


def test_fault_03_crash_after_an_outcome(place: Place, monkeypatch: pytest.MonkeyPatch):
    die(place, "before", ("create", "all"), monkeypatch)
    with contextlib.suppress(StateError):
        place.deploy(FLIGHTS)

    later = next_day(place)
    result = later.deploy(FLIGHTS)

    assert [done.key for done in result.done] == ["all"]
    later.check_agreement(FLIGHTS)


@pytest.mark.parametrize("effect", ["drop", "hang"])
def test_fault_04_the_reply_is_lost(
    remote: RemoteTarget, server: WorkspaceServer, effect: Any
):
    server.fault(CREATE, effect, when="after")

    assert remote.deploy(JOB).succeeded

    assert server.count("POST /api/2.2/jobs/create") == 1
    remote.check(JOB)


@pytest.mark.parametrize("status", [500, 504])
def test_fault_05_an_error_and_nothing_was_made(
    remote: RemoteTarget, server: WorkspaceServer, status: int
):
    server.fault(CREATE, status)
    assert remote.deploy(JOB).succeeded
    remote.check(JOB)

    both = compiled(
        *JOB.resources,
        part("gold", "gold.a", target=TARGET),
        part("silver", "silver.a", target=TARGET),
        code=dict.fromkeys(
            ("src/bronze.py", "src/gold.py", "src/silver.py"),
            "# Databricks notebook source\n",
        ),
        target=TARGET,
    )
    server.fault(f"{CREATE}.*flights gold", status, times=None)
    result = remote.deploy(both)

    assert [failed.key for failed in result.failed] == ["gold"]
    assert [done.key for done in result.done] == ["silver"]
    server.faults.clear()
    assert remote.deploy(both).succeeded
    remote.check(both)


@pytest.mark.parametrize("effect", ["drop", 429, 500, 503])
def test_fault_06_nothing_repeats_a_create_by_itself(
    remote: RemoteTarget, server: WorkspaceServer, effect: Any
):
    """Where databricks-sdk would: what was made is found by its marks instead."""
    server.fault(CREATE, effect, when="after", retry_after=0)

    assert remote.deploy(JOB).succeeded

    assert server.count("POST /api/2.2/jobs/create") == 1
    remote.check(JOB)


def test_fault_07_marked_twice_is_told_and_not_deleted(place: Place):
    place.workspace.before = on("create", "gold", lost(), times=99)
    place.deploy(FLIGHTS)
    intent = place.store.pending()[0]
    tags = {
        "mdf_key": "gold",
        "mdf_lineage": place.store.snapshot().lineage,
        "mdf_nonce": intent.nonce,
    }
    first, second = (
        place.local.create("job", {"name": intent.name, "tags": tags}) for _ in range(2)
    )
    place.forget_faults()

    (warning,) = place.deploy(FLIGHTS).warnings

    assert f"is there 2 times; {first} is kept" in warning.message
    assert second in warning.hint
    assert len(place.local.find("job", "[local] flights gold")) == 2


def test_fault_08_a_storm_of_too_many_requests(
    remote: RemoteTarget, server: WorkspaceServer
):
    for pattern in (CREATE, "GET .*/jobs/", "/workspace/"):
        server.fault(pattern, 429, times=5, retry_after=0)

    result = remote.deploy(JOB, patience_seconds=60)

    assert result.succeeded
    server.faults.clear()
    remote.check(JOB)


def test_fault_09_not_available_for_long(remote: RemoteTarget, server: WorkspaceServer):
    remote.deploy(JOB)
    changed = compiled(
        *JOB.resources,
        code={"src/bronze.py": "# Databricks notebook source\n# 2\n"},
        target=TARGET,
    )
    server.fault("POST", 503, times=None)

    result = remote.deploy(changed)

    assert not result.succeeded
    assert "Run it again: it does only what is left." in result.text()
    server.faults.clear()
    assert remote.deploy(changed).succeeded
    remote.check(changed)


def test_fault_10_one_of_a_hundred_fails(place: Place):
    parts = [part(f"p{n}", f"p.t{n}", line=n % 20 + 1) for n in range(99)]
    desired = compiled(*parts, whole(parts))
    place.workspace.before = on("create", "p36", Refused("no such cluster"))

    result = place.deploy(desired)

    assert len(result.done) == 98
    place_of = result.failed[0].problem.place
    assert str(place_of) == "definitions/tables/p36.yml:17:1"
    assert result.to_json()["blocked"] == [{"key": "all", "because": ["p36"]}]
    again = place.deploy(desired)
    assert [done.key for done in again.done] == ["p36", "all"]
    place.check_agreement(desired)


def test_fault_11_a_refused_update_of_a_large_job_leaves_it(place: Place):
    def large(number: int) -> Compiled:
        return compiled(
            part("large", *(f"l.t{n}" for n in range(number))),
            part("other", "o.t", timeout_seconds=number),
        )

    place.deploy(large(400))
    before = place.remote("large").settings
    place.workspace.before = on("update", "large", Refused("task t399 is wrong"))

    result = place.deploy(large(399))

    assert [done.key for done in result.done] == ["other"]
    assert place.remote("large").settings == before
    place.deploy(large(399))
    place.check_agreement(large(399))


def test_fault_16_deleted_by_hand(place: Place):
    place.deploy(FLIGHTS)
    old = place.ids()["gold"]
    place.local.delete("job", old)

    assert place.plan(FLIGHTS)["gold"] == (
        "create",
        ["it is not in the workspace any more"],
    )
    place.deploy(FLIGHTS)

    history = [(row.generation, row.remote_id) for row in place.store.history()
               if row.key == "gold"]  # fmt: skip
    assert history == [(2, place.ids()["gold"]), (1, old)]
    place.check_agreement(FLIGHTS)


def test_fault_17_edited_by_hand(place: Place):
    place.deploy(FLIGHTS)
    place.edit("gold", lambda settings: settings.update(max_concurrent_runs=5))

    assert place.plan(FLIGHTS)["gold"] == (
        "update",
        ["it was changed by hand: max_concurrent_runs is 5, will be 1"],
    )
    place.deploy(FLIGHTS)
    assert place.remote("gold").settings["max_concurrent_runs"] == 1


def test_fault_18_an_id_that_is_something_else_now(place: Place):
    place.deploy(FLIGHTS)
    gold = place.ids()["gold"]
    place.edit("gold", lambda settings: settings.update(name="theirs", tags={}))
    changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})

    result = place.deploy(changed)

    assert "doesn't carry this target's mark" in result.failed[0].problem.message
    theirs = place.local.get("job", gold)
    assert (theirs.name, theirs.tags) == ("theirs", {})
    place.deploy(WITHOUT_GOLD, delete=True)
    assert place.local.get("job", gold).name == "theirs"


@pytest.mark.parametrize("method", ["get", "update", "delete"])
def test_fault_19_no_permission_is_not_gone(place: Place, method: str):
    place.deploy(FLIGHTS)
    gold = place.ids()["gold"]
    subject = "gold" if method == "update" else gold
    place.workspace.before = on(method, subject, PermissionDenied("no"), times=9)
    changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})

    result = place.deploy(WITHOUT_GOLD if method == "delete" else changed, delete=True)

    assert [failed.key for failed in result.failed] == ["gold"]
    assert place.ids()["gold"] == gold
    assert place.local.get("job", gold).remote_id == gold


def test_fault_20_gone_from_both_sides_needs_no_word(place: Place):
    place.deploy(FLIGHTS)
    place.local.delete("job", place.ids()["gold"])

    result = place.deploy(WITHOUT_GOLD)

    assert ("gold", "forget") in [(one.key, one.action) for one in result.done]
    place.check_agreement(WITHOUT_GOLD)


def test_fault_21_a_renamed_group_keeps_its_id(place: Place):
    place.deploy(compiled(BRONZE, part("gold", "g.a")))
    before = place.ids()["gold"]
    unsaid = compiled(BRONZE, part("marts", "g.a"))
    said = compiled(BRONZE, part("marts", "g.a", renamed_from="gold"))

    with pytest.raises(ConsentMissing, match="deletes 1 of"):
        place.deploy(unsaid)
    assert "add  renamed_from: gold  to" in place.plan(unsaid)["marts"][1][-1]
    place.deploy(said)
    assert place.ids()["marts"] == before
    place.check_agreement(said)


def test_fault_22_a_crash_in_the_middle_of_a_move_goes_forward(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    place.deploy(compiled(part("a", "s.x", "s.y"), part("b", "s.z")))
    moved = compiled(part("a", "s.x"), part("b", "s.y", "s.z"))
    die(place, "before", ("update", "b"), monkeypatch)
    with contextlib.suppress(StateError):
        place.deploy(moved, yes=True)

    later = next_day(place)
    with pytest.raises(ConsentMissing, match="moves tables"):
        later.deploy(moved)
    assert later.deploy(moved, yes=True).succeeded

    assert "delete" not in [method for method, _ in later.workspace.calls]
    later.check_agreement(moved)


@pytest.mark.parametrize("second", ["bronze.a", "bronze.A"])
def test_fault_23_one_table_twice_is_told_before_planning(second: str):
    planned = plan(f"tables:\n{query('bronze.a')}{query(second)}")

    assert planned.errors
    said = "\n".join(map(str, planned.errors))
    assert "definitions/tables/t.yml:4" in said


def test_fault_24_somebody_elses_resource_of_that_name(place: Place):
    job = place.local.create("job", {"name": "[local] flights gold", "tags": {}})
    pipeline = place.local.create("pipeline", {"name": "[local] flights silver"})

    result = place.deploy(FLIGHTS)

    assert [(f.key, f.problem.code) for f in result.failed] == [
        ("silver", "name-taken")
    ]
    assert place.ids()["gold"] != job
    assert place.local.get("job", job).tags == {}
    assert place.local.get("pipeline", pipeline).tags == {}


def test_fault_29_an_interrupt_finishes_what_runs(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident or 0

    def interrupt(method: str, subject: str) -> None:
        if (method, subject) == ("create", "gold"):
            signal.pthread_kill(main, signal.SIGINT)

    monkeypatch.setattr(place.workspace, "before", interrupt)
    try:
        with pytest.raises(KeyboardInterrupt) as interrupted:
            place.deploy(FLIGHTS)
    finally:
        signal.signal(signal.SIGINT, before)

    (note,) = interrupted.value.__notes__
    assert "Run it again: it does only what is left." in note
    assert place.store.pending() == []
    assert "all" not in place.ids()
    place.forget_faults()
    place.deploy(FLIGHTS)
    place.check_agreement(FLIGHTS)


def test_fault_30_a_group_that_outgrows_its_part_renumbers_nothing():
    project = f"{PROJECT}groups:\n  s: {{max_tables: 1000}}\n"

    def placed(number: int, recorded: dict[str, str]) -> dict[str, str]:
        tables = "".join(query(f"s.t{n}") for n in range(number))
        placement = "".join(f"{name}: {key}\n" for name, key in recorded.items())
        planned = plan(f"tables:\n{tables}", project=project, placement=placement)
        assert not planned.errors
        return planned.parts.placement

    full = placed(1000, {})
    more = placed(1001, full)

    assert set(full.values()) == {"s"}
    assert full.items() <= more.items()
    assert more["s.t1000"] == "s-2"


def test_an_empty_project_deletes_only_with_the_exact_number(place: Place):
    place.deploy(FLIGHTS)

    for agreed in (True, 3, 5):
        with pytest.raises(ConsentMissing, match="are they all here"):
            place.deploy(compiled(), delete=agreed)
    place.deploy(compiled(), delete=4)
    place.check_agreement(compiled())


def test_another_workspace_is_one_sentence(place: Place):
    place.deploy(FLIGHTS)
    place.workspace.workspace_id = "7"

    with pytest.raises(DeployError) as error:
        place.deploy(FLIGHTS)

    assert str(error.value) == (
        "other-workspace: local is deployed to workspace local, and this is 7\n"
        "  Check the target's host and profile in definitions/mdf.yml."
    )


def test_every_fault_has_a_test() -> None:
    """The state's (12 to 15, 25 to 28) are in tests/state."""
    here = {name[11:13] for name in globals() if name.startswith("test_fault_")}
    ours = itertools.chain(range(1, 12), range(16, 25), (29, 30))

    assert here == {f"{number:02}" for number in ours}
