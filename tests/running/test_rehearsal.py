"""What a preview says of the next run, where the table is there already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mdf_magics.adding import AddOptions
from mdf_magics.errors import Source
from mdf_magics.project import Project
from mdf_magics.results import Previewed

FIRST = "id,name,at\n1,ada,1\n2,bob,1\n3,cy,1\n"
LATER = "id,name,at\n2,bobby,2\n4,dan,2\n"

CELLS = """\
%%mdf_table raw.people
write: append
watermark: at
parameters:
  source: {type: files, value: {path: "${project.root}/people", format: csv, options: {header: true}}}
---
SELECT int(id) AS id, name, int(at) AS at FROM {{ source }}

%%mdf_table mart.newest
write: merge
keys: [id]
sequence_by: at
parameters: {source: {type: stream, value: raw.people}}
---
SELECT * FROM {{ source }}

%%mdf_table mart.history
write: scd2
keys: [id]
sequence_by: at
parameters: {source: {type: stream, value: raw.people}}
---
SELECT * FROM {{ source }}

%%mdf_table mart.more
write: append
watermark: at
parameters: {source: {type: stream, value: raw.people}}
---
SELECT * FROM {{ source }}

%%mdf_table mart.whole
---
SELECT * FROM raw.people
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "people").mkdir()
    (tmp_path / "people/1.csv").write_text(FIRST)
    Project.init(tmp_path)
    project = Project.find(tmp_path)
    project.add_file(Source("cells", CELLS), AddOptions(no_preview=True))
    yield project
    project.close()


@pytest.fixture
def built(project: Project) -> Project:
    """A project that has run once, and whose source has gone on since."""
    project.deploy()
    assert project.run().errors == 0
    (project.root / "people/2.csv").write_text(LATER)
    return project


def said(previewed: Previewed) -> list[str]:
    """What is said of the next run, without examples."""
    lines = previewed.next_run_lines()
    return [line for line in lines if "the" in line.split()[:2]]


def replaced(project: Project, old: str, new: str) -> None:
    file = project.root / "definitions/tables/mart.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_table_that_is_not_there_has_no_next_run(project: Project) -> None:
    assert project.preview("mart.newest").preview.next_run is None


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("mart.newest", "the next run: 1 inserted, 1 updated"),
        ("mart.history", "the next run: 2 inserted, 1 closed"),
        ("mart.more", "the next run: 2 inserted"),
    ],
)
def test_it_says_what_the_next_run_then_does(
    built: Project, table: str, expected: str
) -> None:
    built.run(["raw.people"])

    assert said(built.preview(table)) == [expected]

    built.run([table])
    assert said(built.preview(table)) == ["the next run: nothing to change"]


@pytest.mark.parametrize(
    ("table", "changes"),
    [("mart.newest", "1 updated"), ("mart.history", "10 inserted, 1 closed")],
)
def test_a_sample_has_all_rows_of_its_keys(
    built: Project, monkeypatch: pytest.MonkeyPatch, table: str, changes: str
) -> None:
    """The rows of one key may lie anywhere in a large source."""
    later = "".join(f"2,bob {at},{at}\n" for at in range(2, 12))
    (built.root / "people/2.csv").write_text(f"id,name,at\n{later}")
    built.run(["raw.people"])
    monkeypatch.setattr("mdf_magics.running.preview.SAMPLE", 5)

    told = said(built.preview(table))

    sample = "the keys of the first 5 rows of the query; --full compares all"
    assert told == [f"the next run: {changes} (by {sample})"]


def test_what_cannot_be_compared_does_not_hide_the_rows(built: Project) -> None:
    replaced(
        built,
        "parameters: {source: {type: stream, value: raw.people}}\n    sql: |\n      SELECT * FROM {{ source }}\n\n  - name: mart.history",
        "sql: |\n      SELECT id, array(name) AS name, at FROM raw.people\n\n  - name: mart.history",
    )

    previewed = built.preview("mart.newest")

    assert len(previewed.preview.rows.rows) == 3
    [warning] = previewed.warnings
    assert warning.code == "not-rehearsed"
    assert warning.message.startswith("what the next run would change can't be told: ")


def test_streams_are_said_to_be_read_as_a_whole(built: Project) -> None:
    assert built.preview("mart.newest").summary().endswith("streams read as a whole")
    assert "streams" not in built.preview("mart.whole").summary()


def test_new_files_are_counted(built: Project) -> None:
    assert said(built.preview("raw.people")) == ["the next run: takes 1 new file"]


def test_examples_show_what_changes(built: Project) -> None:
    built.run(["raw.people"])

    changes = built.preview("mart.newest").preview.next_run

    assert changes is not None
    (updated,) = (one for one in changes.changes if one.kind == "updated")
    types = {one.name: one.type for one in updated.examples.columns}
    assert types["id"] == "int"
    assert {one.kind: one.examples.rows for one in changes.changes} == {
        "inserted": (("4", "dan", "2"),),
        "updated": (("2", "bob \u2192 bobby", "1 \u2192 2"),),
    }


def test_deletions_are_told(built: Project) -> None:
    replaced(
        built,
        "name: mart.newest",
        "name: mart.newest\n    apply_as_deletes: name = 'bobby'",
    )
    built.run(["raw.people"])

    assert said(built.preview("mart.newest")) == ["the next run: 1 inserted, 1 deleted"]


def test_changed_columns_are_told(built: Project) -> None:
    replaced(
        built,
        "SELECT * FROM raw.people",
        "SELECT id, string(at) AS at, 1 AS x FROM raw.people",
    )

    assert sorted(said(built.preview("mart.whole"))) == [
        "against the table: at is int in the table, string here",
        "against the table: name is in the table, but not in the query",
        "against the table: x int is new",
    ]


def test_keys_that_would_stop_a_run_are_warned_of(project: Project) -> None:
    (project.root / "people/2.csv").write_text(f"{LATER},nobody,3\n")
    replaced(
        project,
        "    sequence_by: at\n    parameters: {source: {type: stream, value: raw.people}}\n    sql: |\n      SELECT * FROM {{ source }}\n\n  - name: mart.history",
        "    sql: |\n      SELECT * FROM raw.people\n\n  - name: mart.history",
    )

    warnings = project.preview("mart.newest").warnings

    assert [(one.code, one.message) for one in warnings] == [
        ("null-key", "rows of mart.newest have NULL in id"),
        ("key-twice", "id is there more than once in mart.newest"),
    ]
    assert "A run would stop here. 1 example: id=2, count=2" in warnings[1].hint


def test_rows_that_lack_their_key_are_left_out_and_told(project: Project) -> None:
    (project.root / "people/1.csv").write_text(f"{FIRST},nobody,3\n")

    previewed = project.preview("mart.newest")

    assert len(previewed.preview.rows.rows) == 3
    assert [one.code for one in previewed.warnings] == ["null-key"]


class TestSinceTheLastPreview:
    def test_first_one_says_nothing(self, project: Project) -> None:
        assert project.preview("mart.whole").since == ""

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("SELECT * FROM raw.people", "the same as the last preview"),
            (
                "SELECT * FROM raw.people ORDER BY id DESC",
                "since the last preview: the rows in another order",
            ),
            (
                "SELECT id, upper(name) AS name, at FROM raw.people",
                "since the last preview: other values of name",
            ),
            (
                "SELECT id, name, string(at) AS at, 1 AS x FROM raw.people WHERE id < 3",
                "since the last preview: column x is new, at is string, it was int, 2 rows instead of 3",
            ),
            (
                "SELECT id + 2 AS id, 'x' AS name, 0 AS at FROM raw.people",
                "since the last preview: 3 of 3 rows differ",
            ),
        ],
    )
    def test_later_ones_say_what_is_different(
        self, project: Project, query: str, expected: str
    ) -> None:
        project.preview("mart.whole")
        replaced(project, "SELECT * FROM raw.people", query)

        assert project.preview("mart.whole").since == expected
