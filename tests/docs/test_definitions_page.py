"""docs/definitions.md says what the schemas say, and its example is right."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from mdf_magics.definitions.loading import load
from mdf_magics.planning.steps import Settings, plan_target

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")


def test_its_tables_are_those_of_the_schemas() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "docs.py"))["page"]

    assert page(PAGE) == PAGE, "run  python scripts/docs.py"


def test_its_example_has_no_problem(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    for name, text in blocks:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    definitions = load(tmp_path)

    for target in ("local", "dev", "prod"):
        planned = plan_target(definitions, Settings(target, {}, lambda: "me"))
        found = [str(one) for one in planned.problems if one.code != "root-elsewhere"]
        assert found == []
        assert sorted(planned.tables) == [
            "bronze.crews",
            "bronze.planes",
            "silver.crews_history",
            "silver.planes",
            "silver.planes_history",
        ]


def test_its_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {
        re.sub(r"[^a-z0-9_ -]", "", one.lower()).replace(" ", "-") for one in headings
    }

    assert set(re.findall(r"\]\(#(.*?)\)", PAGE)) <= anchors
