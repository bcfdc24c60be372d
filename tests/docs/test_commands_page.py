"""docs/commands.md says what the table of verbs says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from mdf_magics.commands import VERBS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_its_pages_are_those_of_the_verbs() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "docs.py"))["page"]

    assert page(PAGE) == PAGE, "run  python scripts/docs.py"


def test_every_shape_belongs_to_a_verb_that_reports() -> None:
    shapes = re.findall(r"^(\w+) +\{", PAGE, re.MULTILINE)

    assert set(shapes) <= {verb.name for verb in VERBS if verb.reports}
