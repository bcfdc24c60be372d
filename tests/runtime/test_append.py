"""write: append on a job: from a stream by watermark, from files each file once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.runtime.mdf_runtime import TableError
from tests.runtime.home import Home

STREAM: dict[str, Any] = {
    "write": "append",
    "watermark": "at",
    "sql": lambda source: f"SELECT at, upper(what) AS what FROM {source}",
    "arguments": {"source": {"stream": "main.bronze.events"}},
}


def landed(folder: Path | str, **more: Any) -> dict[str, Any]:
    """An append of the CSV files of a folder."""
    files = {
        "path": str(folder),
        "format": "csv",
        "options": {"header": "true"},
        **more,
    }
    return {
        "write": "append",
        "sql": lambda source: f"SELECT * FROM {source}",
        "arguments": {"source": {"files": files}},
    }


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


def test_columns_of_files_keep_their_case(home: Home, landing: Path) -> None:
    land(landing, "1.csv", "a,1", header="Code,SEATS")
    home.build("bronze.planes", **landed(landing))
    land(landing, "2.csv", "b,2", header="Code,SEATS")
    home.build("bronze.planes", **landed(landing))
    land(landing, "3.csv", "c,3,x", header="Code,SEATS,Kind")
    home.build("bronze.planes", **landed(landing))

    rows = [("a", "1", None), ("b", "2", None), ("c", "3", "x")]
    assert home.rows("bronze.planes") == rows
    assert list(home.schema("bronze.planes")) == ["Code", "SEATS", "Kind"]


def land(folder: Path, name: str, *rows: str, header: str = "code,seats") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([header, *rows, ""]))


class TestStream:
    @pytest.fixture(autouse=True)
    def events(self, home: Home) -> None:
        home.build("bronze.events", sql=lambda: "SELECT 1 AS at, 'a' AS what")

    def test_takes_the_rows_above_its_own_maximum(self, home: Home) -> None:
        home.build("silver.events", **STREAM)
        home.sql(
            "INSERT INTO main.bronze.events VALUES (3, 'c'), (2, 'b'), (1, 'late')"
        )

        done = home.build("silver.events", **STREAM)

        assert home.rows("silver.events") == [(1, "A"), (2, "B"), (3, "C")]
        assert done["rows"] == 2

    def test_running_twice_changes_nothing(self, home: Home) -> None:
        home.build("silver.events", **STREAM)
        before = home.commits("silver.events")

        done = home.build("silver.events", **STREAM)

        assert done["rows"] == 0
        assert home.commits("silver.events") == before

    def test_row_without_a_watermark_is_never_taken(self, home: Home) -> None:
        """Else it would be taken again and again while the target has no maximum."""
        home.sql("INSERT OVERWRITE main.bronze.events VALUES (NULL, 'x')")
        home.build("silver.events", **STREAM)
        home.build("silver.events", **STREAM)
        home.sql("INSERT INTO main.bronze.events VALUES (1, 'a'), (NULL, 'y')")
        home.build("silver.events", **STREAM)

        assert home.rows("silver.events") == [(1, "A")]

    def test_without_a_watermark_it_is_an_error_that_says_what_to_do(
        self, home: Home
    ) -> None:
        told = r"^silver\.events: on a job an append from main.bronze.events needs a watermark"
        with pytest.raises(TableError, match=f"{told}.*Add  watermark: COLUMN"):
            home.build("silver.events", **{**STREAM, "watermark": None})

    def test_parameter_may_have_any_name(self, home: Home) -> None:
        table = {
            **STREAM,
            "sql": lambda args: (
                f"SELECT a.* FROM {args} AS a JOIN {args} AS b ON a.at = b.at"
            ),
            "arguments": {"args": {"stream": "main.bronze.events"}},
        }

        home.build("silver.events", **table)

        assert home.rows("silver.events") == [(1, "a")]

    def test_new_column_is_added_and_a_missing_one_is_null(self, home: Home) -> None:
        home.build("silver.events", **STREAM)
        home.sql("INSERT INTO main.bronze.events VALUES (2, 'b')")
        changed = {**STREAM, "sql": lambda source: f"SELECT 7 AS new, at FROM {source}"}

        home.build("silver.events", **changed)

        assert home.rows("silver.events", "at, what, new") == [
            (1, "A", None),
            (2, None, 7),
        ]

    def test_other_type_is_refused(self, home: Home) -> None:
        home.build("silver.events", **STREAM)
        changed = {
            **STREAM,
            "sql": lambda source: f"SELECT at, 1 AS what FROM {source}",
        }

        with pytest.raises(TableError, match=r"what was string and is int.*by CAST"):
            home.build("silver.events", **changed)


class TestFiles:
    def test_takes_each_file_once(self, home: Home, landing: Path) -> None:
        land(landing, "1.csv", "a,1", "b,2")
        home.build("bronze.planes", **landed(landing))
        land(landing, "2.csv", "c,3")
        land(landing, "1.csv", "changed,1")

        done = home.build("bronze.planes", **landed(landing))

        assert home.rows("bronze.planes") == [("a", "1"), ("b", "2"), ("c", "3")]
        assert done["rows"] == 1

    def test_running_twice_changes_nothing(self, home: Home, landing: Path) -> None:
        land(landing, "1.csv", "a,1")
        home.build("bronze.planes", **landed(landing))
        before = home.commits("bronze.planes")

        done = home.build("bronze.planes", **landed(landing))

        assert done["rows"] == 0
        assert home.commits("bronze.planes") == before

    def test_odd_names_count_and_hidden_ones_do_not(
        self, home: Home, landing: Path
    ) -> None:
        for name in ("[1].csv", "{2}.csv", "a b%20?.csv", "deep/er/3.csv", "ö.csv"):
            land(landing, name, f"{name},1")
        for name in ("_temporary/0/4.csv", ".5.csv", "_SUCCESS", "deep/.er/6.csv"):
            land(landing, name, "hidden,1")

        home.build("bronze.planes", **landed(landing))

        codes = {code for (code,) in home.rows("bronze.planes", "code")}
        assert codes == {"[1].csv", "{2}.csv", "a b%20?.csv", "deep/er/3.csv", "ö.csv"}

    def test_path_may_be_a_pattern(self, home: Home, landing: Path) -> None:
        land(landing, "day=1/planes.csv", "a,1")
        land(landing, "day=2/planes.csv", "b,1")
        land(landing, "day=2/flights.csv", "no,1")

        home.build("bronze.planes", **landed(landing / "*" / "planes.csv"))

        assert home.rows("bronze.planes", "code") == [("a",), ("b",)]

    def test_file_without_rows_is_taken_too(self, home: Home, landing: Path) -> None:
        land(landing, "1.csv", "a,1")
        home.build("bronze.planes", **landed(landing))
        land(landing, "2.csv")
        home.build("bronze.planes", **landed(landing))
        land(landing, "2.csv", "late,1")

        home.build("bronze.planes", **landed(landing))

        assert home.rows("bronze.planes", "code") == [("a",)]

    def test_declared_schema_needs_no_file_yet(self, home: Home, landing: Path) -> None:
        table = landed(landing, schema="code STRING, seats INT")
        home.build("bronze.planes", **table)
        land(landing, "1.csv", "a,1")

        home.build("bronze.planes", **table)

        assert home.rows("bronze.planes") == [("a", 1)]

    def test_failing_query_leaves_its_files_for_the_next_run(
        self, home: Home, landing: Path
    ) -> None:
        land(landing, "1.csv", "a,1")
        table = landed(landing)
        bad = {
            **table,
            "sql": lambda source: f"SELECT raise_error('no') AS x FROM {source}",
        }
        with pytest.raises(Exception, match="no"):
            home.build("bronze.planes", **bad)

        home.build("bronze.planes", **table)

        assert home.rows("bronze.planes", "code") == [("a",)]

    def test_only_the_commit_of_its_batch_settles_it(
        self, home: Home, landing: Path
    ) -> None:
        """A commit that somebody else makes after a crash is none of ours."""
        land(landing, "1.csv", "a,1")
        home.build("bronze.planes", **landed(landing))
        land(landing, "2.csv", "b,2")
        manifest = home.warehouse / "bronze" / "planes" / "_mdf_files.json"
        state = json.loads(manifest.read_text())
        second = (landing / "2.csv").as_uri()
        after = len(home.commits("bronze.planes")) - 1
        state["batch"] = {
            "id": "killed before its commit",
            "after": after,
            "files": [second],
        }
        manifest.write_text(json.dumps(state))
        home.sql("INSERT INTO main.bronze.planes VALUES ('by hand', '0')")

        home.build("bronze.planes", **landed(landing))

        assert home.rows("bronze.planes", "code") == [("a",), ("b",), ("by hand",)]

    def test_deleted_table_takes_all_files_again(
        self, home: Home, landing: Path
    ) -> None:
        land(landing, "1.csv", "a,1")
        home.build("bronze.planes", **landed(landing))
        home.sql("DROP TABLE main.bronze.planes")
        shutil.rmtree(home.warehouse / "bronze" / "planes")

        home.build("bronze.planes", **landed(landing))

        assert home.rows("bronze.planes", "code") == [("a",)]

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("nothing/here", "there is no file at .*nothing/here"),
            (
                "s3://bucket/files",
                "s3://bucket/files isn't on this machine.*write: overwrite",
            ),
        ],
    )
    def test_path_that_can_not_be_listed_is_an_error(
        self, home: Home, path: str, told: str
    ) -> None:
        with pytest.raises(TableError, match=f"^bronze.planes: {told}"):
            home.build("bronze.planes", **landed(path))
