"""What a deploy does to a workspace, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.rebuilding import Rebuilt
from mdf_magics.deploying.saved_plan import SavedPlan
from mdf_magics.deploying.survey import Wish
from mdf_magics.deploying.workspaces.protocol import PermissionDenied, Refused
from mdf_magics.errors import DeployError, StateError
from mdf_magics.planning.resources import Compiled
from mdf_magics.state.protocol import JournalRow
from tests.deploying.desired import (
    BRONZE,
    FLIGHTS,
    GOLD,
    ORDER,
    SILVER,
    WITHOUT_GOLD,
    compiled,
    part,
    whole,
)
from tests.deploying.faults import on
from tests.deploying.place import ORIGIN, Place


class TestFirstDeploy:
    def test_creates_what_others_refer_to_first(self, place: Place):
        result = place.deploy(FLIGHTS)

        made = [key for method, key in place.workspace.calls if method == "create"]
        assert made[-1] == "all"
        assert sorted(made) == ["all", "bronze", "gold", "silver"]
        assert [done.key for done in result.done] == ["bronze", "gold", "silver", "all"]
        place.check_agreement(FLIGHTS)

    def test_resolves_references_and_paths(self, place: Place):
        place.deploy(FLIGHTS)

        ids = place.ids()
        tasks = {t["task_key"]: t for t in place.remote("all").settings["tasks"]}
        assert tasks["bronze"]["run_job_task"] == {"job_id": int(ids["bronze"])}
        assert tasks["silver"]["pipeline_task"] == {"pipeline_id": ids["silver"]}
        pipeline = place.remote("silver").settings
        assert pipeline["root_path"] == "/local/src"
        assert pipeline["libraries"] == [{"file": {"path": "/local/src/silver.py"}}]

    def test_marks_every_resource(self, place: Place):
        place.deploy(FLIGHTS)

        for row in place.store.state():
            assert place.remote(row.key).tags == {
                "mdf_project": "flights",
                "mdf_target": "local",
                "mdf_key": row.key,
                "mdf_lineage": place.store.snapshot().lineage,
                "mdf_nonce": row.nonce,
            }

    def test_uploads_files_with_the_projects_root_filled_in(self, place: Place):
        desired = compiled(
            BRONZE, code={"src/bronze.py": 'path = "${project.root}/x"\n'}
        )

        place.deploy(desired)

        file = place.folder / ".mdf/workspace/files/local/src/bronze.py"
        assert file.read_text() == f'path = "{place.folder}/x"\n'
        place.check_agreement(desired)

    def test_tells_its_progress_in_order(self, place: Place):
        place.deploy(compiled(BRONZE))

        seen = [(event.key, event.status) for event in place.progress]
        assert seen[2:] == [("bronze", "started"), ("bronze", "done")]
        assert sorted(seen[:2]) == [
            ("src/bronze.py", "done"),
            ("src/mdf_runtime.py", "done"),
        ]


class TestSecondDeploy:
    def test_makes_no_write_at_all(self, place: Place):
        place.deploy(FLIGHTS)
        state, journal = place.store.export(), place.store.journal()

        result = place.deploy(FLIGHTS)

        assert result.text() == "local is up to date."
        assert place.workspace.writes == []
        assert len(place.workspace.calls) == len(FLIGHTS.resources) + 1
        assert (state, journal) == (place.store.export(), place.store.journal())

    def test_planning_and_status_make_nothing(self, place: Place):
        place.deployer.plan(FLIGHTS)
        place.deployer.status()

        assert list(place.folder.iterdir()) == []

    def test_reads_each_resource_once_when_something_changes(self, place: Place):
        place.deploy(FLIGHTS)

        place.deploy(compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"}))

        assert [method for method, _ in place.workspace.calls].count("get") == 4
        assert place.workspace.writes == [("upload", "src/gold.py"), ("update", "gold")]


class TestChangesByHand:
    def test_a_deleted_job_is_made_again_and_all_is_pointed_to_it(self, place: Place):
        place.deploy(FLIGHTS)
        before = place.ids()
        place.local.delete("job", before["gold"])

        points = f"was {before['gold']}, will be the id of the new job gold"
        assert place.plan(FLIGHTS) == {
            "gold": ("create", ["it is not in the workspace any more"]),
            "all": (
                "update",
                [f"tasks[gold].run_job_task.job_id: {points}"],
            ),
        }
        place.deploy(FLIGHTS)

        rows = {row.key: row for row in place.store.state()}
        assert rows["gold"].generation == 2
        assert rows["gold"].remote_id != before["gold"]
        place.check_agreement(FLIGHTS)

    def test_an_edited_job_is_put_right_with_the_reason(self, place: Place):
        place.deploy(FLIGHTS)
        place.edit("gold", lambda settings: settings.update(max_concurrent_runs=5))

        assert place.plan(FLIGHTS)["gold"] == (
            "update",
            ["it was changed by hand: max_concurrent_runs is 5, will be 1"],
        )
        place.deploy(FLIGHTS)

        assert place.remote("gold").settings["max_concurrent_runs"] == 1
        place.check_agreement(FLIGHTS)

    def test_a_renamed_job_stays_the_same_job(self, place: Place):
        place.deploy(FLIGHTS)
        gold = place.ids()["gold"]
        place.edit("gold", lambda settings: settings.update(name="mine"))

        place.deploy(FLIGHTS)

        assert place.ids()["gold"] == gold
        assert place.remote("gold").name == "[local] flights gold"

    def test_a_changed_file_is_uploaded_again(self, place: Place):
        place.deploy(FLIGHTS)
        folder = place.folder / ".mdf/workspace/files/local/src"
        (folder / "gold.py").write_text("# mine\n")
        (folder / "silver.py").unlink()

        assert place.plan(FLIGHTS) == {
            "gold": ("update", ["src/gold.py was changed by hand"]),
            "silver": ("update", ["src/silver.py is not in the workspace any more"]),
        }
        place.deploy(FLIGHTS)

        assert (folder / "gold.py").read_text() == "# src/gold.py\n"
        place.check_agreement(FLIGHTS)

    def test_a_lost_workspace_is_made_again(self, place: Place):
        place.deploy(FLIGHTS)
        for file in (place.folder / ".mdf/workspace").glob("workspace.db*"):
            file.unlink()

        assert {action for action, _ in place.plan(FLIGHTS).values()} == {"create"}
        place.deploy(FLIGHTS)

        assert {row.generation for row in place.store.state()} == {2}
        place.check_agreement(FLIGHTS)

    def test_what_is_gone_and_not_wanted_is_only_forgotten(self, place: Place):
        place.deploy(FLIGHTS)
        place.local.delete("job", place.ids()["gold"])

        result = place.deploy(WITHOUT_GOLD)

        assert [(d.key, d.action) for d in result.done] == [
            ("all", "update"),
            ("gold", "forget"),
        ]
        assert place.store.journal()[-1].operation == "forget"
        place.check_agreement(WITHOUT_GOLD)


class TestForeignResources:
    def test_another_mark_is_left_alone(self, place: Place):
        place.deploy(FLIGHTS)
        place.edit("gold", lambda settings: settings["tags"].update(mdf_nonce="f" * 16))
        changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})

        result = place.deploy(changed)

        assert not result.succeeded
        (failed,) = result.failed
        assert "doesn't carry this target's mark" in failed.problem.message
        assert ("update", "gold") not in place.workspace.calls
        place.deploy(WITHOUT_GOLD, delete=True)
        assert place.remote("gold").remote_id

    def test_no_permission_never_means_gone(self, place: Place):
        place.deploy(FLIGHTS)
        gold = place.ids()["gold"]
        place.workspace.before = on("get", gold, PermissionDenied("no"), times=99)

        assert place.plan(FLIGHTS) == {"gold": ("unknown", ["no"])}
        assert place.plan(WITHOUT_GOLD)["gold"] == ("unknown", ["no"])
        for desired in (FLIGHTS, WITHOUT_GOLD):
            result = place.deploy(desired, delete=True)
            assert [failed.key for failed in result.failed] == ["gold"]
        assert place.ids()["gold"] == gold
        assert place.remote("gold").remote_id == gold

    def test_a_job_of_that_name_which_is_not_ours_stays(self, place: Place):
        place.local.create("job", {"name": "[local] flights gold", "tags": {}})

        place.deploy(FLIGHTS)

        assert len(place.local.find("job", "[local] flights gold")) == 2

    def test_a_taken_pipeline_name_fails_that_pipeline_only(self, place: Place):
        place.local.create("pipeline", {"name": "[local] flights silver"})

        result = place.deploy(FLIGHTS)

        assert [(f.key, f.problem.code) for f in result.failed] == [
            ("silver", "name-taken")
        ]
        assert [(b.key, b.because) for b in result.blocked] == [("all", ("silver",))]
        assert [method for method, _ in place.workspace.calls].count("create") == 3

    def test_state_of_another_workspace_is_refused(self, place: Place):
        place.deploy(FLIGHTS)
        place.workspace.workspace_id = "other"

        with pytest.raises(
            DeployError, match="is deployed to workspace local, and this is other"
        ):
            place.deploy(FLIGHTS)


class TestPartialFailure:
    def test_the_rest_goes_on_and_the_next_deploy_does_only_that(self, place: Place):
        place.workspace.before = on("create", "gold", Refused("no such cluster"))

        result = place.deploy(FLIGHTS)

        assert result.to_json() == {
            "target": "local",
            "done": [done.to_json() for done in result.done],
            "failed": [
                {
                    "key": "gold",
                    "error": "job gold could not be created: no such cluster",
                    "file": "definitions/tables/gold.yml",
                    "line": 4,
                }
            ],
            "blocked": [{"key": "all", "because": ["gold"]}],
        }
        assert [done.key for done in result.done] == ["bronze", "silver"]
        assert "definitions/tables/gold.yml:4:1" in str(result.failure)

        again = place.deploy(FLIGHTS)
        assert [done.key for done in again.done] == ["gold", "all"]
        assert sorted(method for method, _ in place.workspace.writes) == [
            "create",
            "create",
        ]
        place.check_agreement(FLIGHTS)

    def test_a_refused_update_leaves_the_old_job(self, place: Place):
        place.deploy(FLIGHTS)
        changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})
        place.workspace.before = on("update", "gold", Refused("no"))

        result = place.deploy(changed)

        assert [failed.key for failed in result.failed] == ["gold"]
        assert (
            place.plan(FLIGHTS)["gold"][1][-1]
            == "its last update did not come to its end"
        )
        place.deploy(changed)
        place.check_agreement(changed)

    def test_a_file_that_can_not_be_uploaded_fails_those_that_use_it(
        self, place: Place
    ):
        place.workspace.before = on("upload", "src/gold.py", Refused("too large"))

        result = place.deploy(FLIGHTS)

        (failed,) = result.failed
        assert failed.problem.message == "src/gold.py could not be uploaded: too large"
        assert [done.key for done in result.done] == ["bronze", "silver"]
        assert [blocked.key for blocked in result.blocked] == ["all"]

    def test_nothing_is_deleted_while_something_still_refers_to_it(self, place: Place):
        place.deploy(FLIGHTS)
        place.workspace.before = on("update", "all", Refused("no"))

        result = place.deploy(WITHOUT_GOLD, delete=True)

        assert [(b.key, b.action, b.because) for b in result.blocked] == [
            ("gold", "delete", ("all",))
        ]
        assert place.remote("gold").remote_id
        place.deploy(WITHOUT_GOLD, delete=True)
        place.check_agreement(WITHOUT_GOLD)


class TestKindChange:
    GOLD = part("gold", "gold.delays", "gold.routes", kind="pipeline", serverless=True)
    DESIRED = compiled(BRONZE, SILVER, GOLD, whole([BRONZE, SILVER, GOLD], ORDER))

    def test_a_job_becomes_a_pipeline_with_consent(self, place: Place):
        place.deploy(FLIGHTS)
        assert place.plan(self.DESIRED)["gold"] == (
            "rebuild",
            ["it is a pipeline now and was a job"],
        )

        result = place.deploy(self.DESIRED, yes=True)

        assert [(d.key, d.action) for d in result.done] == [
            ("gold", "rebuild"),
            ("all", "update"),
        ]
        assert place.remote("gold").kind == "pipeline"
        place.check_agreement(self.DESIRED)

    def test_and_is_finished_by_the_next_deploy(self, place: Place):
        place.deploy(FLIGHTS)
        place.workspace.before = on("create", "gold", Refused("no"))
        place.deploy(self.DESIRED, yes=True)

        assert place.plan(self.DESIRED)["gold"] == ("create", ["it is new"])
        place.deploy(self.DESIRED)

        place.check_agreement(self.DESIRED)


class TestFilesNobodyUses:
    def test_go_with_the_resource(self, place: Place):
        place.deploy(FLIGHTS)

        place.deploy(WITHOUT_GOLD, delete=True)

        assert "src/gold.py" not in place.local.uploaded()
        assert not (place.folder / ".mdf/workspace/files/local/src/gold.py").exists()


class TestDestroy:
    def test_deletes_everything_referrers_first(self, place: Place):
        place.deploy(FLIGHTS)
        place.workspace.calls.clear()
        all_id = place.ids()["all"]

        place.deployer.destroy("local", Terms(ORIGIN, Consent(delete=4)))

        deleted = [
            subject for method, subject in place.workspace.calls if method == "delete"
        ]
        assert deleted[0] == all_id
        assert place.remotes() == []
        assert place.local.uploaded() == {}
        place.check_agreement(compiled())

    def test_and_a_new_deploy_goes_on_with_the_generations(self, place: Place):
        place.deploy(FLIGHTS)
        place.deployer.destroy("local", Terms(ORIGIN, Consent(delete=4)))

        place.deploy(FLIGHTS)

        assert {row.generation for row in place.store.state()} == {2}
        place.check_agreement(FLIGHTS)


def save(place: Place, desired: Compiled) -> SavedPlan:
    """A plan that went through its file."""
    file = place.folder / "plan.json"
    SavedPlan.of(place.deployer.plan(desired), "flights", None).write(file)
    return SavedPlan.read(file)


class TestSavedPlan:
    def test_is_carried_out_while_it_is_true(self, place: Place):
        saved = save(place, FLIGHTS)

        place.deployer.deploy(Wish(FLIGHTS), Terms(ORIGIN, check=saved.check))

        place.check_agreement(FLIGHTS)

    def test_is_refused_when_the_state_has_moved_on(self, place: Place):
        saved = save(place, FLIGHTS)
        place.deploy(compiled(BRONZE))

        with pytest.raises(DeployError, match="the state has moved on from row 0 to 2"):
            place.deployer.deploy(Wish(FLIGHTS), Terms(ORIGIN, check=saved.check))
        assert list(place.ids()) == ["bronze"]

    def test_is_refused_when_the_definitions_have_changed(self, place: Place):
        place.deploy(FLIGHTS)
        saved = save(place, compiled(*FLIGHTS.resources, code={"src/gold.py": "# a"}))
        later = compiled(*FLIGHTS.resources, code={"src/gold.py": "# b"})

        with pytest.raises(DeployError, match="the definitions have changed"):
            place.deployer.deploy(Wish(later), Terms(ORIGIN, check=saved.check))

    def test_is_refused_when_the_workspace_has_changed(self, place: Place):
        place.deploy(FLIGHTS)
        changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})
        saved = save(place, changed)
        place.edit("gold", lambda settings: settings.update(max_concurrent_runs=5))

        with pytest.raises(DeployError, match="the workspace has changed"):
            place.deployer.deploy(Wish(changed), Terms(ORIGIN, check=saved.check))


class TestLostState:
    def lose(self, place: Place) -> None:
        for file in (place.folder / ".mdf").glob("state.db*"):
            file.unlink()

    def test_is_noticed_before_anything_is_made_twice(self, place: Place):
        place.deploy(FLIGHTS)
        self.lose(place)

        sentence = "there is no state of local: it doesn't know 4 of the resources"
        with pytest.raises(StateError, match=sentence):
            place.deployer.plan(FLIGHTS)
        with pytest.raises(StateError, match=sentence):
            place.deploy(FLIGHTS)
        assert len(place.remotes()) == 4
        assert place.store.holder() is None

    def test_an_old_copy_is_noticed_too(self, place: Place):
        place.deploy(compiled(BRONZE))
        copy = (place.folder / ".mdf/state.db").read_bytes()
        place.deploy(FLIGHTS)
        self.lose(place)
        (place.folder / ".mdf/state.db").write_bytes(copy)

        sentence = "is older than its workspace: it doesn't know 3 of the resources"
        with pytest.raises(StateError, match=sentence):
            place.deploy(FLIGHTS)
        assert len(place.remotes()) == 4

    def test_is_rebuilt_from_the_marks(self, place: Place):
        place.deploy(FLIGHTS)
        before = {row.key: (row.remote_id, row.nonce) for row in place.store.state()}
        lineage = place.store.snapshot().lineage
        self.lose(place)

        found = place.deployer.rebuild(ORIGIN)
        assert found.restored == ("all", "bronze", "gold", "silver")

        after = {row.key: (row.remote_id, row.nonce) for row in place.store.state()}
        assert before == after
        assert place.store.snapshot().lineage == lineage
        assert {action for action, _ in place.plan(FLIGHTS).values()} == {"update"}
        place.deploy(FLIGHTS)
        place.check_agreement(FLIGHTS)

    def test_what_still_holds_is_kept(self, place: Place):
        place.deploy(FLIGHTS)
        rows = place.store.state()

        assert place.deployer.rebuild(ORIGIN) == Rebuilt(
            known=("all", "bronze", "gold", "silver")
        )

        assert place.store.state() == rows
        assert place.plan(FLIGHTS) == {}

    def test_an_old_copy_is_brought_up_to_date(self, place: Place):
        """Yesterday there were bronze and old; today old is gone, the others came."""
        old = part("old", "old.t")
        place.deploy(compiled(BRONZE, old))
        copy = (place.folder / ".mdf/state.db").read_bytes()
        place.deploy(FLIGHTS, delete=1)
        self.lose(place)
        (place.folder / ".mdf/state.db").write_bytes(copy)

        found = place.deployer.rebuild(ORIGIN)

        assert found.restored == ("all", "gold", "silver")
        assert (found.known, found.forgotten) == (("bronze",), ("old",))
        place.deploy(FLIGHTS)
        place.check_agreement(FLIGHTS)

    def test_of_another_lineage_it_is_not_rebuilt(self, place: Place):
        place.deploy(FLIGHTS)
        self.lose(place)
        place.store.release(place.store.acquire("somebody"))

        with pytest.raises(StateError, match="it is of another lineage"):
            place.deployer.rebuild(ORIGIN)

    def test_a_row_changed_by_hand_is_a_sentence(self, place: Place):
        place.deploy(compiled(BRONZE))
        lease = place.store.acquire("me")
        row = place.store.state()[0]
        place.store.write(lease, [replace(row, spec="{not json")])
        place.store.release(lease)

        with pytest.raises(
            StateError, match=r"row 3 of local's state \(bronze\) can't be read"
        ):
            place.deploy(compiled(BRONZE))


def test_a_reference_to_nothing_is_an_error_before_any_write(place: Place):
    with pytest.raises(DeployError, match="job all refers to gold, which there isn't"):
        place.deploy(compiled(BRONZE, SILVER, whole([BRONZE, SILVER, GOLD])))
    assert list(place.folder.iterdir()) == []


def test_targets_share_neither_rows_nor_resources(tmp_path: Path):
    local = Place(tmp_path)
    other = Place(tmp_path, target="dev.me")
    theirs = part("bronze", "bronze.flights", target="dev.me")
    local.deploy(FLIGHTS)

    other.deploy(compiled(theirs, target="dev"))

    assert list(other.ids()) == ["bronze"]
    assert other.ids()["bronze"] != local.ids()["bronze"]
    assert local.plan(FLIGHTS) == {}
    assert other.local.uploaded().keys() == {"src/bronze.py", "src/mdf_runtime.py"}


def test_calls_of_a_level_are_made_together(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """At most `concurrency` at once, and the journal is written twice a level."""
    parts = [part(f"p{number}", f"p.t{number}") for number in range(30)]
    writes: list[int] = []
    write = place.store.write

    def counted(lease: Any, rows: list[JournalRow]) -> None:
        writes.append(len(rows))
        write(lease, rows)

    monkeypatch.setattr(place.store, "write", counted)
    desired = compiled(*parts)

    Deployer(place.store, place.workspace, concurrency=4).deploy(
        Wish(desired), Terms(ORIGIN)
    )

    assert sum(writes) == 60
    assert writes[0] == 30
    place.check_agreement(desired)
