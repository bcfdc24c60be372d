"""The first look at a project, which reads one file and imports no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics.notebook.glance import glance

WHOLE = "project: shop\ndefault_target: dev\ntargets: {dev: {engine: databricks, catalog: lab}}\n"


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "definitions" / "mdf.yml"
    file.parent.mkdir()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_project_target_and_engine_are_told(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)

    assert glance(tmp_path) == "project shop \u00b7 target dev \u00b7 engine databricks"


def test_target_is_local_unless_it_is_said(tmp_path: Path) -> None:
    write(
        tmp_path, "project: shop\ntargets: {local: {engine: embedded, catalog: main}}\n"
    )

    assert glance(tmp_path) == "project shop \u00b7 target local \u00b7 engine embedded"


def test_project_is_found_from_below(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    (tmp_path / "a" / "b").mkdir(parents=True)

    assert glance(tmp_path / "a" / "b") == (
        f"project shop \u00b7 target dev \u00b7 engine databricks \u00b7 in {tmp_path}"
    )


def test_no_project_says_how_to_start_one(tmp_path: Path) -> None:
    assert glance(tmp_path) == "no project here yet: %mdf_init starts one"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("project: [", id="no YAML"),
        pytest.param("- a", id="list"),
        pytest.param("", id="empty"),
        pytest.param("project: shop\n", id="no targets"),
        pytest.param("project: shop\ntargets: {local: 1}\n", id="no mapping"),
        pytest.param(
            "project: shop\ntargets: {prod: {engine: spark}}\n", id="no default target"
        ),
        pytest.param(b"project: caf\xe9", id="not UTF-8"),
        pytest.param("[" * 100_000, id="too deep"),
    ],
)
def test_what_can_not_be_read_never_stops_the_loading(
    tmp_path: Path, text: str | bytes
) -> None:
    file = write(tmp_path, text)

    assert glance(tmp_path) == f"{file} has problems: %mdf_validate shows them"
