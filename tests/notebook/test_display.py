"""What is shown while something takes long: one output, as the last state left it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from IPython.utils.capture import RichOutput, capture_output

from mdf_magics.notebook import display
from mdf_magics.notebook.display import _progress, working
from mdf_magics.progress import Board

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture(autouse=True)
def at_once(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "PATIENCE", 0.01)


def outputs(shown: list[RichOutput]) -> list[tuple[bool, str]]:
    return [(one.update, one.data["text/plain"]) for one in shown]


def test_every_state_updates_one_output() -> None:
    with capture_output() as shown, working() as watcher:
        for text in ("a: running\nb: waiting", "a: done\nb: running"):
            watcher(text)
            time.sleep(0.1)
        watcher.show({"text/plain": "all done"})

    assert outputs(shown.outputs) == [
        (False, "a  running\nb  waiting\n1 running · 1 waiting"),
        (True, "a  done\nb  running\n1 done · 1 running"),
        (True, "all done"),
    ]
    assert len({one.transient["display_id"] for one in shown.outputs}) == 1
    assert [one.metadata for one in shown.outputs] == [{}, {}, {}]


def test_what_is_quick_is_shown_once() -> None:
    with capture_output() as shown, working() as watcher:
        watcher.show({"text/plain": "all done"})

    assert outputs(shown.outputs) == [(False, "all done")]


def test_failure_leaves_no_progress_behind() -> None:
    def fail() -> None:
        with working() as watcher:
            watcher("trying")
            time.sleep(0.1)
            raise OSError

    with capture_output() as shown, suppress(OSError):
        fail()

    assert outputs(shown.outputs) == [(False, "trying"), (True, "")]


def test_board_tells_all_that_is_worked_on() -> None:
    told: list[str] = []
    board = Board(told.append, ["a", "b"])

    board("b", "running")
    board("c", "done", "3 rows", "")

    assert told == [
        "a: waiting\nb: running",
        "a: waiting\nb: running\nc: done · 3 rows",
    ]


def test_of_many_things_those_that_go_on_are_shown() -> None:
    states = ["succeeded"] * 200 + ["running", "failed"] + ["waiting"] * 100
    text = "\n".join(f"t{number}: {state}" for number, state in enumerate(states))

    shown = _progress(text, 3)["text/plain"].splitlines()

    assert shown[0] == "t200  running"
    assert shown[1] == "t201  failed"
    assert len(shown) == 31
    assert shown[-1] == "200 succeeded · 1 running · 1 failed · 100 waiting · 3 s"
