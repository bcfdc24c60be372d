"""Ctrl-C: nothing new is begun, what runs is waited for, and all is written down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from mdf_magics.deploying.deployer import Terms
from mdf_magics.deploying.survey import Wish
from mdf_magics.errors import StateError
from tests.deploying.desired import FLIGHTS, compiled, part
from tests.deploying.place import ORIGIN, Place

PARTS = compiled(*(part(f"p{number}", f"p.t{number}") for number in range(8)))


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """pytest-xdist's processes ignore the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(method: str, subject: str) -> None:
    if (method, subject) == ("create", "p0"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_leaves_nothing_open(place: Place, when: str, concurrency: int):
    place = Place(place.folder, concurrency=concurrency)
    setattr(place.workspace, when, interrupt)

    with pytest.raises(KeyboardInterrupt):
        place.deploy(PARTS)

    holder = place.store.holder()
    assert holder
    assert holder.operation_id == ""
    assert place.store.pending() == []
    assert place.ids() == {r.tags["mdf_key"]: r.remote_id for r in place.remotes()}
    assert "p0" in place.ids()
    place.forget_faults()
    done_before = len(place.ids())
    result = place.deploy(PARTS)
    assert len(result.done) == 8 - done_before
    place.check_agreement(PARTS)


def test_a_state_that_can_not_be_written_stops_the_deploy(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    write, left = place.store.write, [1]

    def full(lease, rows) -> None:
        if rows and not left:
            raise StateError
        left.clear()
        write(lease, rows)

    monkeypatch.setattr(place.store, "write", full)

    with pytest.raises(StateError):
        place.deploy(FLIGHTS)

    assert ("create", "all") not in place.workspace.calls
    monkeypatch.undo()
    place.deploy(FLIGHTS)
    place.check_agreement(FLIGHTS)


def test_an_error_of_the_progress_display_loses_nothing(place: Place):
    def broken(event) -> None:
        if event.status == "done" and event.kind != "file":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place.deployer.deploy(Wish(FLIGHTS), Terms(ORIGIN, progress=broken))

    assert place.store.pending() == []
    phases = [(row.operation_id, row.phase) for row in place.store.journal()]
    assert len(phases) == len(set(phases)), "an outcome was written twice"
    place.deploy(FLIGHTS)
    place.check_agreement(FLIGHTS)
