"""What is cached is found by its text, is plain JSON, and is never missed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from unittest.mock import patch

import pytest

from mdf_magics import Project
from mdf_magics.definitions import caching, files, pieces
from mdf_magics.definitions.caching import Cache
from mdf_magics.definitions.composing import compose
from mdf_magics.definitions.loading import load

from .conftest import Write

TABLES = "tables:\n" + "".join(
    f"  - name: a.t{number}\n    sql: SELECT {number} AS n\n    description: {'x' * 60}\n"
    for number in range(60)
)


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process has read is forgotten, as in a new one."""
    monkeypatch.setattr(files, "_READ", {})


@pytest.mark.parametrize(
    "value",
    [
        [None, True, 1, 1.5, "é\N{GRINNING FACE}", {"a": []}],
        {
            "day": dt.date(2024, 2, 29),
            "at": [dt.datetime(2024, 1, 1, 6, tzinfo=dt.UTC)],
        },
    ],
)
def test_values_come_back(value: object, tmp_path: Path) -> None:
    Cache(tmp_path).put(value, "a", "b")

    assert Cache(tmp_path).get("a", "b") == value
    assert Cache(tmp_path).get("ab") is None
    assert Cache(tmp_path).get("b", "a") is None


@pytest.mark.parametrize("value", [float("nan"), {"!date": "x"}, object()])
def test_what_json_cant_hold_is_left_out(value: object, tmp_path: Path) -> None:
    text = '"!date"' if isinstance(value, dict) else "a"
    Cache(tmp_path).put(value, text)

    assert Cache(tmp_path).get(text) is None


def test_what_another_version_wrote_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cache(tmp_path).put(1, "a")
    monkeypatch.setattr(caching, "_version", lambda: "other")

    assert Cache(tmp_path).get("a") is None
    Cache(tmp_path).put(2, "a")
    assert [one.name for one in (tmp_path / ".mdf/cache").iterdir()] == ["other"]


@pytest.mark.parametrize("left", [b"", b"[1", b"\x80\x04K\x01.", b"null"])
def test_a_spoilt_file_is_passed_over(left: bytes, tmp_path: Path) -> None:
    Cache(tmp_path).put(1, "a")
    (file,) = (tmp_path / ".mdf/cache").rglob("*.json")
    file.write_bytes(left)

    assert Cache(tmp_path).get("a") is None


def test_a_folder_that_can_t_be_written_hinders_nothing(tmp_path: Path) -> None:
    (tmp_path / ".mdf").write_text("no folder")

    Cache(tmp_path).put(1, "a")

    assert Cache(tmp_path).get("a") is None


@pytest.mark.parametrize("tail", ["", "defaults: &d {tags: {a: b}}\nx: &e *d\n"])
@pytest.mark.usefixtures("forgotten")
def test_files_are_read_once_by_all_commands(written: Write, tail: str) -> None:
    root = written({"tables/a.yml": TABLES + tail})
    before = load(root)
    files._READ.clear()

    with patch.object(pieces, "compose", wraps=compose) as composed:
        after = load(root)

    assert composed.call_count == 0 or tail
    assert [one.value for one in after.tables] == [one.value for one in before.tables]
    assert [str(one.place()) for one in after.tables] == [
        str(one.place()) for one in before.tables
    ]
    assert after.problems == before.problems


@pytest.mark.usefixtures("forgotten")
def test_problems_and_secrets_are_told_each_time(written: Write) -> None:
    secret = (
        "  - name: a.s\n    sql: SELECT 1 AS n\n    description: password=hunter22x\n"
    )
    root = written({"tables/a.yml": TABLES + secret + "  - name: no\n"})
    first = [str(one) for one in load(root).problems]
    files._READ.clear()

    assert [str(one) for one in load(root).problems] == first
    assert len(first) == 2


@pytest.mark.usefixtures("forgotten")
def test_what_was_checked_is_not_checked_again(written: Write) -> None:
    warned = "  - name: b.one\n    sql: SELECT * FROM a.tt1\n"  # almost a.t1
    root = written({"tables/a.yml": TABLES + warned})
    first = Project(root).validate()

    with patch.object(Project, "planned") as planned:
        again = Project(root).validate()
        assert planned.call_count == 0

    assert [str(one) for one in again.problems] == [str(one) for one in first.problems]
    assert (again.tables, len(again.problems)) == (61, 1)
    (root / "definitions/tables/a.yml").write_text(TABLES)
    assert Project(root).validate().problems == ()


@pytest.mark.usefixtures("forgotten")
def test_a_secret_is_not_kept_in_the_cache(written: Write) -> None:
    secret = (
        "  - name: a.s\n    sql: SELECT 1 AS n\n    description: password=hunter22x\n"
    )
    root = written({"tables/a.yml": TABLES + secret})

    (problem,) = Project(root).validate().problems
    (again,) = Project(root).validate().problems

    assert "hunter22x" not in str(problem) + str(again)
    for file in (root / ".mdf").rglob("*.json"):
        assert "hunter22x" not in file.read_text()


@pytest.mark.parametrize("count", [1, 2], ids=["read whole", "read in pieces"])
def test_a_body_that_changed_in_its_own_file_is_checked_again(
    written: Write, count: int
) -> None:
    other = "  - name: a.c\n    sql: SELECT 1 AS n\n" * (count - 1)
    own = "  - name: a.b\n    file: b.sql\n    parameters: {x: 1}\n"
    root = written(
        {
            "tables/a.yml": f"tables:\n{own}{other}",
            "tables/b.sql": "SELECT {{ x }} AS n",
        }
    )
    project = Project(root)
    assert project.validate().problems == ()

    (root / "definitions/tables/b.sql").write_text("SELECT {{ y }} AS n")

    assert [one.code for one in project.validate().problems] == ["unknown-parameter"]
