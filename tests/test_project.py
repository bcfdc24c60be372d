"""The Python API: finding, targets, and what is remembered between two calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.adding import AddOptions, cell_text
from mdf_magics.errors import DefinitionError

QUERY = "---\nSELECT 1 AS x"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "shop"
    folder.mkdir()
    Project.init(folder)
    return Project(folder)


def add(project: Project, *names: str, no_save: bool = False) -> None:
    """Define tables without a preview, each with a query of its own."""
    cells = [cell_text("mdf_table", name, QUERY) for name in names]
    project.add(cells, AddOptions(no_preview=True, no_save=no_save))


def names(project: Project) -> list[str]:
    return [one.name for one in project.list().tables]


def placement(project: Project) -> list[str]:
    return (project.root / "definitions" / "placement.yml").read_text().splitlines()[1:]


class TestFind:
    def test_nearest_one_at_or_above_counts(self, project: Project) -> None:
        inner = project.root / "a" / "b"
        inner.mkdir(parents=True)

        assert Project.find(inner).root == project.root
        Project.init(inner)
        assert Project.find(inner).root == inner

    def test_working_folder_is_the_default(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(project.root)

        assert Project.find().root == project.root

    def test_none_says_how_to_start_one(self, tmp_path: Path) -> None:
        with pytest.raises(DefinitionError, match="there is no project at or above"):
            Project.find(tmp_path)


class TestTargets:
    @pytest.fixture
    def two(self, project: Project) -> Project:
        (project.root / "definitions" / "mdf.yml").write_text(
            "project: shop\n"
            "default_target: other\n"
            "targets:\n"
            "  local: {engine: embedded, catalog: main}\n"
            "  other: {engine: embedded, catalog: lab}\n"
        )
        return project

    def test_default_is_what_the_project_says(self, two: Project) -> None:
        assert two.target == "other"
        assert Project(two.root, target="local").target == "local"

    def test_switch_holds_until_the_next(self, two: Project) -> None:
        two.switch("local")

        assert two.target == "local"
        assert two.plan().target == "local"

    def test_another_target_is_another_project(self, two: Project) -> None:
        add(two, "s.t")

        other = two.for_target("local")

        assert (two.target, other.target) == ("other", "local")
        assert two.planned().tables["s.t"].home == "lab.s.t"
        assert other.planned().tables["s.t"].home == "main.s.t"

    def test_each_has_tables_of_its_own(self, two: Project) -> None:
        add(two, "s.t")
        two.deploy()
        two.run()

        local = two.for_target("local")

        assert two.engine(two.planned()).exists("lab.s.t")
        assert not local.engine(local.planned()).exists("main.s.t")
        two.close()


class TestRemembering:
    def test_change_by_somebody_else_is_seen(self, project: Project) -> None:
        add(project, "s.a")
        assert names(project) == ["s.a"]

        add(Project(project.root), "s.b")

        assert names(project) == ["s.a", "s.b"]

    def test_cell_that_was_not_saved_leaves_nothing_behind(
        self, project: Project
    ) -> None:
        add(project, "s.a")

        add(project, "s.b", no_save=True)

        assert names(project) == ["s.a"]
        assert project.validate().tables == 1
        assert placement(project) == ["s.a: s"]

    def test_option_of_one_cell_holds_for_that_cell(self, project: Project) -> None:
        cells = [
            cell_text("mdf_table", "s.a --no-preview", QUERY),
            cell_text("mdf_table", "s.b --no-preview --no-save", QUERY),
        ]

        project.add(cells, AddOptions())

        assert names(project) == ["s.a"]

    def test_nothing_is_written_before_something_is_defined(
        self, project: Project
    ) -> None:
        project.validate()
        project.list()
        project.plan()

        assert not (project.root / "definitions" / "placement.yml").exists()


class TestPlacement:
    def test_saving_records_it(self, project: Project) -> None:
        add(project, "s.a", "r.b")

        assert placement(project) == ["r.b: r", "s.a: s"]

    def test_removing_forgets_it_with_the_next_compile(self, project: Project) -> None:
        add(project, "s.a", "s.b")

        project.remove("s.a")
        project.compile()

        assert placement(project) == ["s.b: s"]

    def test_table_that_is_broken_meanwhile_keeps_its_line(
        self, project: Project
    ) -> None:
        add(project, "s.a", "s.b")
        file = project.root / "definitions" / "tables" / "s.yml"
        whole = file.read_text()
        file.write_text(whole.replace("name: s.a", "wirte: append\n    name: s.a"))

        add(project, "r.c")

        assert placement(project) == ["r.c: r", "s.a: s", "s.b: s"]


class TestProgress:
    def test_deploy_and_run_tell_what_they_do(self, project: Project) -> None:
        add(project, "s.a")
        told: list[str] = []
        project.progress = told.append

        project.deploy()
        project.run()
        project.close()

        deployed = next(one for one in told if one.endswith("create job s: done"))
        assert "upload file src/s.py: done\n" in deployed
        assert told[-1].startswith("s.a: succeeded \u00b7 1 row \u00b7 ")


def test_second_deploy_does_nothing(project: Project) -> None:
    add(project, "s.a", "r.b")

    first, second = project.deploy(), project.deploy()

    assert [one.action for one in first.done] == ["create"] * 3
    assert second.done == ()
    assert project.plan().changes == 0


def test_definitions_that_are_newer_than_what_ran_are_named(project: Project) -> None:
    add(project, "s.a")
    project.deploy()
    add(project, "s.b")

    ran = project.run()
    project.close()

    assert [one.name for one in ran.tables] == ["s.a"]
    assert ran.note == "Definitions are newer than what ran: s"


def test_pipeline_runs_here_too(project: Project) -> None:
    (project.root / "definitions" / "mdf.yml").write_text(
        "project: shop\n"
        "targets: {local: {engine: embedded, catalog: main}}\n"
        "groups: {s: {runs_on: pipeline}}\n"
    )
    add(project, "s.a")
    project.deploy()

    ran = project.run()
    project.close()

    assert [(one.name, one.status) for one in ran.tables] == [("s.a", "succeeded")]
