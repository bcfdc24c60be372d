"""Two branches that add tables to one file: git's conflict is told, and both are kept."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.cli import main
from mdf_magics.definitions.merging import merged
from tests.planning.plans import PROJECT

ENTRY = """\
  - name: s.{name}
    write: overwrite
    sql: |
      SELECT 1 AS {column}
      FROM range(3)
"""


def git(folder: Path, *words: str) -> str:
    known = ("-c", "user.name=t", "-c", "user.email=t@t")
    done = subprocess.run(
        ["git", *known, *words], cwd=folder, capture_output=True, check=False
    )
    return done.stdout.decode()


def run(root: Path, *words: str, cells: str = "") -> str:
    return CliRunner().invoke(main, ["-C", str(root), *words], input=cells).output


def conflict(folder: Path, base: str, ours: str, theirs: str, *options: str) -> str:
    """What git makes of a file that both sides changed."""
    for name, text in (("ours", ours), ("base", base), ("theirs", theirs)):
        (folder / name).write_text(text, newline="")
    return git(folder, "merge-file", "-p", *options, "ours", "base", "theirs")


def file(*names: str, gap: str = "\n") -> str:
    entries = (ENTRY.format(name=name, column=name[0]) for name in names)
    return "tables:\n" + gap.join(entries)


def values(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)["tables"]
    return sorted(found, key=lambda one: str(one["name"]))


class TestMerging:
    @pytest.mark.parametrize("options", [[], ["--diff3"]], ids=["two", "three sides"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
    def test_keeps_every_byte_of_both_sides(
        self, tmp_path: Path, options: list[str], newline: str
    ) -> None:
        sides = (
            one.replace("\n", newline)
            for one in (file("a", "b"), file("a", "b", "c"), file("a", "b", "d", "e"))
        )
        told = conflict(tmp_path, *sides, *options)
        assert "<<<<<<<" in told

        assert merged(told) == file("a", "b", "c", "d", "e").replace("\n", newline)

    @given(
        st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1).flatmap(
            lambda names: st.tuples(
                st.just(names), st.integers(0, len(names)), st.integers(0, len(names))
            )
        ),
        st.sampled_from(["", "\n", "\n  # about it\n"]),
    )
    def test_has_what_either_side_has(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        drawn: tuple[list[str], int, int],
        gap: str,
    ) -> None:
        names, one, other = drawn
        low, high = min(one, other), max(one, other)
        base, ours, theirs = names[:low], names[:high], names[:low] + names[high:]
        if not (base or (ours and theirs)):
            return
        texts = [file(*side, gap=gap) for side in (base, ours, theirs)]
        told = conflict(tmp_path_factory.mktemp("merge"), *texts)

        found = merged(told) if "<<<<<<<" in told else told

        assert found is not None
        assert values(found) == values(file(*names))

    def test_comments_stay_above_their_entries(self, tmp_path: Path) -> None:
        base = file("a")
        told = conflict(
            tmp_path,
            base,
            base + "\n  # about c\n" + ENTRY.format(name="c", column="x"),
            base + "\n  # about d\n" + ENTRY.format(name="d", column="x"),
        )

        text = merged(told)

        assert text is not None
        assert "  # about c\n  - name: s.c\n" in text
        assert "  # about d\n  - name: s.d\n" in text

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            pytest.param(
                file("a", "b").replace("1 AS b", "2 AS b"),
                file("a", "b").replace("1 AS b", "3 AS b"),
                id="one entry, changed by both",
            ),
            pytest.param(
                "defaults: {group: o}\n" + file("a", "b"),
                "defaults: {group: p}\n" + file("a", "b"),
                id="defaults",
            ),
            pytest.param("tables: [1]\n", "tables: [2]\n", id="list in brackets"),
        ],
    )
    def test_leaves_the_rest_to_a_person(
        self, tmp_path: Path, ours: str, theirs: str
    ) -> None:
        told = conflict(tmp_path, file("a", "b"), ours, theirs)

        assert "<<<<<<<" in told
        assert merged(told) is None


class TestProject:
    """As it happens: a cell in each of two branches, then `git merge`."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        folder = tmp_path / "definitions"
        folder.mkdir()
        group = "groups: {s: {max_tables: 2}}\n"
        (folder / "mdf.yml").write_text(PROJECT + group)
        git(tmp_path, "init", "-q", "-b", "main")
        self.add(tmp_path, "s.a")
        self.commit(tmp_path, "base")
        return tmp_path

    def add(self, root: Path, *names: str) -> None:
        for name in names:
            cell = f"%%mdf_table {name}\n---\nSELECT 1 AS x\n"
            assert "saved" in run(root, "add", "-", "--no-preview", cells=cell)

    def commit(self, root: Path, message: str) -> None:
        git(root, "add", "-A")
        git(root, "commit", "-qm", message)

    def branches(self, root: Path, ours: list[str], theirs: list[str]) -> str:
        git(root, "checkout", "-qb", "theirs")
        self.add(root, *theirs)
        self.commit(root, "theirs")
        git(root, "checkout", "-q", "main")
        self.add(root, *ours)
        self.commit(root, "ours")
        return git(root, "merge", "theirs", "-m", "merge")

    def test_tables_of_different_files_merge_by_themselves(self, root: Path) -> None:
        said = self.branches(root, ["o.b"], ["p.c"])

        assert "CONFLICT" not in said
        assert "No problems: 3 tables" in run(root, "validate")

    def test_what_both_add_to_one_file_is_kept_by_a_repair(self, root: Path) -> None:
        said = self.branches(root, ["s.b", "s.c"], ["s.d"])

        assert "CONFLICT (content): Merge conflict in definitions/tables/s.yml" in said
        told = run(root, "validate")
        assert told.startswith("merge-conflict: a merge left its conflict here")
        assert "definitions/tables/s.yml:" in told
        assert "mdf validate --fix" in told
        fixed = run(root, "validate", "--fix")
        assert "warning: crowded-part: the job s holds 3 tables" in fixed
        assert "error" not in fixed
        placement = (root / "definitions" / "placement.yml").read_text()
        assert placement.splitlines()[1:] == ["s.a: s", "s.b: s", "s.c: s-2", "s.d: s"]
        assert run(root, "validate", "--fix").startswith("warning: crowded-part")

    def test_a_file_that_both_made_as_well(self, root: Path) -> None:
        said = self.branches(root, ["o.b"], ["o.c"])

        assert "CONFLICT (add/add)" in said
        assert "No problems: 3 tables" in run(root, "validate", "--fix")

    def test_what_a_person_must_decide_stays_as_it_is(self, root: Path) -> None:
        self.branches(root, ["s.b"], ["s.b"])
        path = root / "definitions" / "tables" / "s.yml"
        text = path.read_text().replace("1 AS x", "2 AS x")
        path.write_text(f"<<<<<<< ours\n{path.read_text()}=======\n{text}>>>>>>> b\n")
        before = path.read_text()

        assert "merge-conflict" in run(root, "validate", "--fix")
        assert path.read_text() == before
