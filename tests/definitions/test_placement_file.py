"""`placement.yml`: one line for each table; bad merges are told and repaired."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdf_magics import Project
from mdf_magics.cli import main
from mdf_magics.definitions.placement_file import read_placement
from tests.planning.plans import PROJECT

TABLE = "  - {{name: {name}, group: s, sql: SELECT 1 AS x}}\n"

type Git = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "definitions" / "tables").mkdir(parents=True)
    (tmp_path / "definitions" / "mdf.yml").write_text(PROJECT)
    return tmp_path


@pytest.fixture
def git(root: Path) -> Git:
    def run(*words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", root, *words],
            capture_output=True,
            text=True,
            check=check,
        )
        return done.stdout + done.stderr

    run("init", "-q", "-b", "main")
    return run


def add(root: Path, *names: str, file: str = "s") -> None:
    """Tables in a file of their own, placed as any command does it."""
    path = root / "definitions" / "tables" / f"{file}.yml"
    path.write_text("tables:\n" + "".join(TABLE.format(name=name) for name in names))
    project = Project(root)
    project.record_placement(project.planned())


def told(root: Path, *words: str) -> str:
    return CliRunner().invoke(main, ["-C", str(root), *words]).output


def places(root: Path) -> dict[str, str]:
    text = (root / "definitions" / "placement.yml").read_text()
    return read_placement(text).parts


class TestReading:
    def test_quotes_comments_and_blanks_are_fine(self) -> None:
        placement = read_placement("# c\n\na.x: 'a'  # why\n\"a.y\":a-2\n{}\n")

        assert placement.parts == {"a.x": "a", "a.y": "a-2"}
        assert placement.lines == {"a.x": 3, "a.y": 4}
        assert placement.problems == ()

    @pytest.mark.parametrize("line", ["- a.x", "a.x", ": a", "a.x y: a", "a.x: a b"])
    def test_anything_else_is_told_with_its_line(self, line: str) -> None:
        (problem,) = read_placement(f"a.z: a\n{line}\n").problems

        assert problem.code == "bad-placement"
        assert str(problem.place) == "definitions/placement.yml:2:1"


class TestMerging:
    def merged(self, root: Path, git: Git, ours: list[str], theirs: list[str]) -> str:
        """Both branches add tables to one group, each in a file of its own."""
        add(root, "s.b", "s.m")
        git("add", "-A"), git("commit", "-qm", "base")
        git("checkout", "-qb", "theirs")
        add(root, *theirs, file="theirs")
        git("add", "-A"), git("commit", "-qm", "theirs")
        git("checkout", "-q", "main")
        add(root, *ours, file="ours")
        git("add", "-A"), git("commit", "-qm", "ours")
        return git("merge", "theirs", "-m", "merge", check=False)

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            pytest.param(["s.a"], ["s.z"], id="apart"),
            pytest.param(["s.c", "s.d"], ["s.e"], id="beside one another"),
            pytest.param(["s.x"], ["s.y"], id="both at the end"),
            pytest.param(["s.c", "s.n"], ["s.d", "s.o"], id="at two places"),
        ],
    )
    def test_branches_that_both_add_tables_merge(
        self, root: Path, git: Git, ours: list[str], theirs: list[str]
    ) -> None:
        said = self.merged(root, git, ours, theirs)

        assert "CONFLICT" not in said
        assert places(root) == dict.fromkeys(["s.b", "s.m", *ours, *theirs], "s")
        assert "No problems" in told(root, "validate")

    def test_without_the_driver_a_conflict_is_told_and_repaired(
        self, root: Path, git: Git
    ) -> None:
        (root / "definitions" / ".gitattributes").write_text("")

        said = self.merged(root, git, ["s.c"], ["s.d"])

        assert "CONFLICT" in said
        output = told(root, "validate")
        assert "merge-conflict: a merge left its conflict here" in output
        assert "definitions/placement.yml:" in output
        fixed = told(root, "validate", "--fix")
        assert "No problems: 4 tables" in fixed
        assert places(root) == dict.fromkeys(["s.b", "s.c", "s.d", "s.m"], "s")

    def test_nothing_is_written_over_a_conflict(self, root: Path) -> None:
        add(root, "s.a")
        path = root / "definitions" / "placement.yml"
        text = "<<<<<<< ours\ns.a: s\n=======\ns.a: s-2\n>>>>>>> theirs\n"
        path.write_text(text)

        assert "merge-conflict" in told(root, "compile")
        add(root, "s.a", "s.b")

        assert path.read_text() == text


class TestRepair:
    @pytest.mark.parametrize(
        ("text", "code", "after"),
        [
            pytest.param(
                "s.a: s\ns.b: s\ns.a: s-2\n", "duplicate-placement", ["s", "s"], id="twice"
            ),
            pytest.param(
                "s.a: s\ns.b: nowhere\n", "unknown-part", ["s", "s"], id="no part"
            ),
            pytest.param("s.a: s\n- s.b\n", "bad-placement", ["s", "s"], id="no line"),
            pytest.param(
                "s.a: s-2\ns.b: s\ns.gone: s\n", "stale-placement", ["s-2", "s"], id="gone"
            ),
            pytest.param(
                "<<<<<<< a\ns.a: s-2\n||||||| base\ns.a: s-9\n=======\ns.a: s\n>>>>>>> b\ns.b: s\n",
                "merge-conflict",
                ["s-2", "s"],
                id="three sides",
            ),
        ],
    )  # fmt: skip
    def test_puts_the_file_in_order(
        self, root: Path, text: str, code: str, after: list[str]
    ) -> None:
        add(root, "s.a", "s.b")
        (root / "definitions" / "placement.yml").write_text(text)

        assert f"{code}: " in told(root, "validate")
        fixed = told(root, "validate", "--fix")

        assert fixed.startswith("--- a/definitions/placement.yml")
        assert fixed.endswith("No problems: 2 tables for local.\n")
        assert places(root) == dict(zip(["s.a", "s.b"], after, strict=True))

    def test_part_above_the_platforms_limit_gives_up_what_is_too_much(
        self, root: Path
    ) -> None:
        names = [f"s.t{number:04}" for number in range(1002)]
        add(root, *names)
        text = "".join(f"{name}: s\n" for name in names)
        (root / "definitions" / "placement.yml").write_text(text)

        assert "too-many-tables: the job s holds 1,002 tables" in told(root, "validate")
        told(root, "validate", "--fix")

        found = list(places(root).values())
        assert (found.count("s"), found.count("s-2")) == (1000, 2)

    def test_order_that_is_right_is_left_alone(self, root: Path) -> None:
        add(root, "s.a")

        assert told(root, "validate", "--fix") == "No problems: 1 tables for local.\n"

    def test_windows_line_ends_are_kept(self, root: Path) -> None:
        add(root, "s.a")
        path = root / "definitions" / "placement.yml"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        before = path.read_bytes()

        add(root, "s.a")

        assert path.read_bytes() == before


class TestDefinitionsTakenAway:
    """By hand, in an editor: no command has brought the file in order yet."""

    @pytest.fixture
    def cloned(self, root: Path) -> Path:
        """A project with tables of two groups, in a clone that has written nothing."""
        add(root, "s.a", "s.b")
        path = root / "definitions" / "tables" / "s.yml"
        path.write_text(path.read_text().replace("s.b, group: s", "s.b, group: o"))
        told(root, "compile")
        shutil.rmtree(root / ".mdf")
        return root

    def test_where_they_were_placed_the_next_compile_removes_the_line(
        self, root: Path
    ) -> None:
        add(root, "s.a", "s.b")
        path = root / "definitions" / "tables" / "s.yml"
        path.write_text("tables:\n" + TABLE.format(name="s.a"))

        said = told(root, "validate")
        assert "warning: stale-placement: s.b is placed, but no definition" in said
        assert "The next compile removes the line." in said
        told(root, "compile")

        assert places(root) == {"s.a": "s"}
        assert told(root, "validate") == "No problems: 1 tables for local.\n"

    def test_where_they_were_not_it_is_an_error_that_is_repaired(
        self, cloned: Path
    ) -> None:
        path = cloned / "definitions" / "tables" / "s.yml"
        path.write_text("tables:\n" + TABLE.format(name="s.a"))

        said = told(cloned, "compile")
        assert said.startswith("stale-placement: s.b is placed, but no definition")
        assert "definitions/placement.yml:3:1" in said
        told(cloned, "validate", "--fix")

        assert places(cloned) == {"s.a": "s"}

    @pytest.mark.parametrize("verb", ["remove", "rename"])
    def test_commands_bring_it_in_order_themselves(
        self, cloned: Path, verb: str
    ) -> None:
        more = ["s.c"] if verb == "rename" else []

        told(cloned, verb, "s.b", *more)

        assert places(cloned) == {"s.a": "s", **dict.fromkeys(more, "o")}
        assert "No problems" in told(cloned, "validate")

    def test_so_does_a_cell_that_changes_a_group(self, cloned: Path) -> None:
        cell = "%%mdf_table s.b\ngroup: s\n---\nSELECT 1 AS x\n"
        (cloned / "cell.txt").write_text(cell)

        told(cloned, "add", str(cloned / "cell.txt"), "--no-preview")

        assert places(cloned) == {"s.a": "s", "s.b": "s"}
        assert "No problems" in told(cloned, "validate")

    def test_so_does_a_cell_that_loses_tables(self, cloned: Path) -> None:
        cell = "%%mdf_tables\nname: s.${{each.n}}\nfor_each: {{n: [{}]}}\n---\nSELECT 1 AS x\n"
        (cloned / "cell.txt").write_text(cell.format("e, f"))
        told(cloned, "add", str(cloned / "cell.txt"), "--no-preview")
        shutil.rmtree(cloned / ".mdf")
        (cloned / "cell.txt").write_text(cell.format("e"))

        words = ["--replace", "--no-preview"]
        told(cloned, "add", str(cloned / "cell.txt"), *words)

        assert places(cloned) == {"s.a": "s", "s.b": "o", "s.e": "s"}
        assert "No problems" in told(cloned, "validate")


def test_stale_file_is_a_stale_compile(root: Path) -> None:
    add(root, "s.a")
    told(root, "compile")
    assert (
        CliRunner().invoke(main, ["-C", str(root), "compile", "--check"]).exit_code == 0
    )
    (root / "definitions" / "placement.yml").write_text("")

    result = CliRunner().invoke(main, ["-C", str(root), "compile", "--check"])

    assert result.exit_code == 3
    assert "definitions/placement.yml is stale" in result.output
