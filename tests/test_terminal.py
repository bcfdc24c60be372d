"""What somebody at a real terminal is asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest

from tests.test_cli import Terminal, stocked

PATIENCE = 300
"""Seconds for an answer of a command on a very busy machine."""


@pytest.fixture
def shop(tmp_path: Path) -> Terminal:
    """A project that was deployed, one of whose groups has no table any more."""
    shop = stocked(tmp_path)
    shop.ok("deploy")
    shop.ok("remove", "mart.totals")
    shop.ok("remove", "mart.people")
    return shop


def deploy(shop: Terminal, *answers: tuple[str, str]) -> tuple[int, str]:
    """Deploy at a terminal, giving each answer when its question has come.

    Returns:
        The exit code, and what was printed after the last answer.
    """
    words = ["-m", "mdf_magics", "-C", str(shop.folder), "deploy"]
    child = pexpect.spawn(sys.executable, words, timeout=PATIENCE, encoding="utf-8")
    for question, answer in answers:
        child.expect_exact(question)
        child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before.replace("\r\n", "\n")


def resources(shop: Terminal) -> list[str]:
    return [one["key"] for one in shop.json("status")["resources"]]


def test_a_deletion_is_asked_for_and_done(shop: Terminal):
    code, text = deploy(shop, ("Type 2 to go on", "2"))

    assert (code, resources(shop)) == (0, ["raw"])
    assert "mart" in text


@pytest.mark.parametrize("answer", ["", "yes", "1", "3"])
def test_another_answer_stops_it(shop: Terminal, answer: str):
    code, text = deploy(shop, ("Type 2 to go on", answer))

    assert (code, resources(shop)) == (1, ["all", "mart", "raw"])
    assert "not-agreed: stopped: nothing was changed" in text
