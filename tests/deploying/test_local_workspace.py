"""The local workspace behaves like a real one, with files that can be read and run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.deploying.workspaces.local import LocalWorkspace
from mdf_magics.deploying.workspaces.protocol import (
    NameTaken,
    NotFound,
    Refused,
    WorkspaceError,
)


@pytest.fixture
def workspace(tmp_path: Path) -> LocalWorkspace:
    return LocalWorkspace(tmp_path / "workspace", target="local", project_root=tmp_path)


def settings(name: str = "x", **more: Any) -> dict[str, Any]:
    return {"name": name, "tags": {"mdf_key": name}} | more


class TestResources:
    def test_what_is_made_can_be_read(self, workspace: LocalWorkspace):
        made = workspace.create("job", settings(tasks=[{"task_key": "a"}]))

        remote = workspace.get("job", made)

        assert (remote.kind, remote.remote_id, remote.name) == ("job", made, "x")
        assert remote.settings == settings(tasks=[{"task_key": "a"}])
        assert remote.tags == {"mdf_key": "x"}

    def test_jobs_have_numbers_and_pipelines_uuids(self, workspace: LocalWorkspace):
        assert workspace.create("job", settings()).isdigit()
        assert len(workspace.create("pipeline", settings())) == 36

    def test_an_id_never_comes_back(self, workspace: LocalWorkspace):
        first = workspace.create("job", settings())
        workspace.delete("job", first)

        assert workspace.create("job", settings()) != first

    def test_names_of_jobs_may_repeat(self, workspace: LocalWorkspace):
        made = [workspace.create("job", settings()) for _ in range(2)]

        assert [remote.remote_id for remote in workspace.find("job", "x")] == made

    def test_names_of_pipelines_may_not(self, workspace: LocalWorkspace):
        workspace.create("pipeline", settings())
        other = workspace.create("pipeline", settings("y"))

        with pytest.raises(NameTaken):
            workspace.create("pipeline", settings())
        with pytest.raises(NameTaken):
            workspace.update("pipeline", other, settings())
        workspace.update("pipeline", other, settings("y", serverless=True))

    def test_an_update_replaces_everything(self, workspace: LocalWorkspace):
        made = workspace.create("job", settings(timeout_seconds=5))

        workspace.update("job", made, settings("y"))

        assert workspace.get("job", made).settings == settings("y")
        assert workspace.find("job", "x") == []

    def test_finds_a_whole_name_or_everything(self, workspace: LocalWorkspace):
        for name in ("x", "x%", "xy"):
            workspace.create("job", settings(name))
        workspace.create("pipeline", settings("x"))

        assert [remote.name for remote in workspace.find("job", "x%")] == ["x%"]
        assert [remote.name for remote in workspace.find("job", None)] == [
            "x",
            "x%",
            "xy",
        ]

    def test_what_is_not_there(self, workspace: LocalWorkspace):
        job = workspace.create("job", settings())
        for call in (
            lambda: workspace.get("pipeline", job),
            lambda: workspace.update("job", "999", settings()),
            lambda: workspace.delete("job", "999"),
        ):
            with pytest.raises(NotFound):
                call()

    def test_many_at_once(self, workspace: LocalWorkspace):
        with ThreadPoolExecutor(8) as pool:
            made = list(
                pool.map(lambda n: workspace.create("job", settings(f"{n}")), range(40))
            )

        assert len(set(made)) == 40

    def test_damage_is_a_sentence(self, workspace: LocalWorkspace, tmp_path: Path):
        (tmp_path / "workspace").mkdir()
        (tmp_path / "workspace/workspace.db").write_text("not a database")

        with pytest.raises(
            WorkspaceError, match="can't be read: file is not a database"
        ):
            workspace.get("job", "1")


class TestFiles:
    def test_know_what_was_uploaded(self, workspace: LocalWorkspace, tmp_path: Path):
        workspace.upload("src/a.py", "1")
        workspace.upload("src/deep/b.py", "${project.root}/x")

        before = workspace.uploaded()
        file = tmp_path / "workspace/files/local/src/deep/b.py"
        assert file.read_text() == f"{tmp_path}/x"
        file.write_text("mine")
        after = workspace.uploaded()

        assert before.keys() == after.keys() == {"src/a.py", "src/deep/b.py"}
        assert before["src/a.py"] == after["src/a.py"]
        assert before["src/deep/b.py"] != after["src/deep/b.py"]

    def test_moving_the_project_makes_them_stale(
        self, workspace: LocalWorkspace, tmp_path: Path
    ):
        workspace.upload("src/a.py", "${project.root}/x")
        workspace.upload("src/b.py", "the same everywhere")
        before = workspace.uploaded()
        moved = LocalWorkspace(
            tmp_path / "workspace", target="local", project_root=tmp_path / "elsewhere"
        )

        after = moved.uploaded()

        assert after == {"src/b.py": before["src/b.py"]}

    def test_leave_nothing_half_written(
        self, workspace: LocalWorkspace, tmp_path: Path
    ):
        workspace.upload("src/a.py", "1")
        workspace.upload("src/a.py", "2")

        assert [
            file.name for file in (tmp_path / "workspace/files/local/src").iterdir()
        ] == ["a.py"]

    def test_can_be_removed_twice(self, workspace: LocalWorkspace):
        workspace.upload("src/a.py", "1")
        workspace.remove("src/a.py")
        workspace.remove("src/a.py")

        assert workspace.uploaded() == {}

    @pytest.mark.parametrize(
        "path", ["../escape.py", "/etc/escape.py", "src/../../x.py", ""]
    )
    def test_stay_in_their_folder(self, workspace: LocalWorkspace, path: str):
        with pytest.raises(Refused, match="lies outside"):
            workspace.upload(path, "1")

    def test_a_root_that_would_break_code_is_refused(self, tmp_path: Path):
        odd = LocalWorkspace(
            tmp_path, target="local", project_root=Path("/home/o'brien")
        )

        odd.upload("src/a.py", "nothing to fill in")
        with pytest.raises(Refused, match="can't be written into code"):
            odd.upload("src/a.py", "${project.root}")

    def test_a_folder_that_can_not_be_written(self, tmp_path: Path):
        (tmp_path / "files").write_text("a file, not a folder")
        odd = LocalWorkspace(tmp_path, target="local", project_root=tmp_path)

        with pytest.raises(Refused, match="can't be written"):
            odd.upload("src/a.py", "1")
