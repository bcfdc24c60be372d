"""docs/problems.md has a line for every code, and for no other."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

from tests.docs.problem_codes import problem_codes

PAGE = Path(__file__).parents[2] / "docs" / "problems.md"
ROWS = re.findall(
    r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE
)
DOCUMENTED = [code for code, _, _ in ROWS]


def test_every_code_is_documented() -> None:
    missing = {
        code: place
        for code, place in problem_codes().items()
        if not any(fnmatchcase(one, code) for one in DOCUMENTED)
    }

    assert missing == {}, f"add lines to {PAGE.name}"


def test_every_documented_code_is_there() -> None:
    codes = problem_codes()
    gone = [one for one in DOCUMENTED if not any(fnmatchcase(one, c) for c in codes)]

    assert gone == [], f"remove lines from {PAGE.name}"


def test_every_code_stands_once_and_says_what_to_do() -> None:
    assert sorted(set(DOCUMENTED)) == sorted(DOCUMENTED)
    for code, means, remedy in ROWS:
        assert means.endswith("."), code
        assert remedy.endswith("."), code
