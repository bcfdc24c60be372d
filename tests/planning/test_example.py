"""The example project, whose files were written by hand, compiles to exactly those."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics.definitions.loading import load
from mdf_magics.definitions.placement_file import placement_text
from mdf_magics.planning.steps import Settings, compile_target, plan_target

FLIGHTS = Path(__file__).parents[1] / "data" / "flights"

RUNTIME = Path(__file__).parents[2] / "mdf_magics" / "runtime" / "mdf_runtime.py"


def files_for(target: str) -> dict[str, str]:
    planned = plan_target(load(FLIGHTS), Settings(target, {}, lambda: "me"))
    assert planned.problems == ()
    return compile_target(planned).files


def written_by_hand(target: str) -> dict[str, str]:
    folder = FLIGHTS / "workflows" / target
    files = {one.relative_to(folder).as_posix(): one for one in folder.rglob("*.*")}
    return {path: file.read_text() for path, file in files.items()}


@pytest.mark.parametrize("target", ["local", "prod"])
def test_every_file_is_as_written_by_hand(target: str) -> None:
    expected = written_by_hand(target) | {"src/mdf_runtime.py": RUNTIME.read_text()}

    assert files_for(target) == expected


def test_development_target_bears_its_user_and_is_paused() -> None:
    expected = written_by_hand("dev")["jobs/all.yml"]

    assert files_for("dev")["jobs/all.yml"] == expected


def test_development_target_differs_from_others_in_names_paths_and_pauses_only() -> (
    None
):
    dev, prod = files_for("dev"), files_for("prod")

    assert set(dev) == set(prod)
    renamed = [
        ("dev.me_", "prod."),
        ("`dev`.`me_", "`prod`.`"),
        ("/Volumes/dev/", "/Volumes/prod/"),
        ("mdf_target: dev.me", "mdf_target: prod"),
        ("[dev me]", "[prod]"),
        ("            pause_status: PAUSED\n", ""),
        ("          development: true\n", ""),
        ("catalog: dev", "catalog: prod"),
        ("schema: me_", "schema: "),
        ("  dev:\n", "  prod:\n"),
        ("target dev)", "target prod)"),
    ]
    for path, text in dev.items():
        for mine, theirs in renamed:
            text = text.replace(mine, theirs)  # noqa: PLW2901
        assert text == prod[path], path


def test_placement_is_as_written_by_hand() -> None:
    planned = plan_target(load(FLIGHTS), Settings("local", {}, lambda: "me"))
    written = (FLIGHTS / "definitions" / "placement.yml").read_text()

    assert placement_text(planned.parts.placement) == written


def test_placement_can_be_found_again_from_nothing(tmp_path: Path) -> None:
    definitions = load(FLIGHTS, {"definitions/placement.yml": "{}\n"})

    planned = plan_target(definitions, Settings("local", {}, lambda: "me"))

    assert planned.parts.placement == load(FLIGHTS).placement.parts
