"""What this machine remembers of a state, beside its store."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import override

import pytest

from mdf_magics.errors import Problem, StateError, StateUnreachable
from mdf_magics.state.protocol import JournalRow, Lease
from mdf_magics.state.remembering import RememberingStore
from mdf_magics.state.sqlite import SQLiteStore
from tests.state.conftest import row


class Cut(SQLiteStore):
    """A store whose connection can be cut."""

    cut = False

    @override
    def write(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        if self.cut:
            problem = Problem("state-unreachable", "the state can't be reached: cut")
            raise StateUnreachable(problem)
        super().write(lease, rows)


@pytest.fixture
def inner(path: Path) -> Cut:
    return Cut(path, project="flights", target="prod")


@pytest.fixture
def store(inner: Cut, tmp_path: Path) -> RememberingStore:
    return RememberingStore(inner, tmp_path / "memory")


def deploy(store: RememberingStore, *rows: JournalRow) -> None:
    lease = store.acquire("me")
    store.write(lease, rows)
    store.release(lease)


class TestAnOlderState:
    """Fault 26: a state from before what was seen is not built on."""

    def test_of_yesterday_is_refused(self, store: RememberingStore, path: Path):
        deploy(store, row("gold", "create", "done", "1"))
        yesterday = path.with_suffix(".copy")
        shutil.copy(path, yesterday)
        deploy(store, row("gold", "update", "done", "2"))
        lineage = store.snapshot().lineage
        shutil.copy(yesterday, path)

        with pytest.raises(StateError) as error:
            store.snapshot()

        assert str(error.value) == (
            f"state-older: the state of prod in {path} is older than the one that this machine has seen\n"
            f"  seen: row 2, fence 2, lineage {lineage}\n"
            f"  there: row 1, fence 1, lineage {lineage}\n"
            "  Restore the file from a copy.\n"
            "  If this one is right after all, say  mdf state rebuild : it looks at\n"
            "  what the workspace has. Nothing was changed."
        )

    def test_of_another_lineage_is_refused(self, store: RememberingStore, path: Path):
        deploy(store)
        path.unlink()
        other = SQLiteStore(path, project="flights", target="prod")
        other.release(other.acquire("somebody"))

        with pytest.raises(StateError, match="another one than the one that this"):
            store.snapshot()

    def test_is_taken_once_it_was_accepted(self, store: RememberingStore, path: Path):
        deploy(store)
        copy = path.read_bytes()
        deploy(store, row("gold", "create", "done", "1"))
        path.write_bytes(copy)

        store.accept()

        assert store.snapshot().seq == 0
        assert store.snapshot().seq == 0

    def test_a_newer_one_is_fine(self, store: RememberingStore, inner: Cut):
        """Somebody else has deployed from another machine."""
        deploy(store)
        inner.write(inner.acquire("other"), [row("gold", "create", "done", "1")])

        assert store.snapshot().seq == 1

    def test_a_memory_that_was_damaged_is_none(
        self, store: RememberingStore, tmp_path: Path
    ):
        deploy(store)
        (tmp_path / "memory/flights.prod.seen.json").write_text("{")

        assert store.snapshot().fence == 1


class TestAnUnreachableStore:
    """Fault 28: outcomes wait here and are written by the next deploy."""

    def cut_off(self, store: RememberingStore, inner: Cut) -> StateUnreachable:
        lease = store.acquire("me")
        store.write(
            lease,
            [row("gold", "create", "intent", "1"), row("all", "create", "intent", "2")],
        )
        inner.cut = True
        done = row("gold", "create", "done", "1", remote_id="40014")
        failed = row("all", "create", "failed", "2", error="no")
        with pytest.raises(StateUnreachable):
            store.write(lease, [done])
        with pytest.raises(StateUnreachable) as error:
            store.write(lease, [done, failed])
        inner.cut = False
        store.release(lease)
        return error.value

    def test_outcomes_are_kept_and_shown(
        self, store: RememberingStore, inner: Cut, tmp_path: Path
    ):
        error = self.cut_off(store, inner)

        file = tmp_path / "memory/flights.prod.unwritten.jsonl"
        assert str(error) == (
            "state-unreachable: the state can't be reached: cut\n"
            "  No further operation was begun. Results that are not written yet:\n"
            "  - create job gold done (40014)\n"
            "  - create job all failed\n"
            f"  They are kept in {file}; the next deploy from here\n"
            "  writes them.\n"
            "  Run it again when the store answers."
        )
        assert [kept.key for kept in store.unwritten()] == ["gold", "all"]

    def test_the_next_deploy_writes_them(self, store: RememberingStore, inner: Cut):
        self.cut_off(store, inner)

        store.acquire("me again")

        assert store.snapshot().resources["gold"].remote_id == "40014"
        assert [one.outcome for one in store.history()] == ["failed", "done"]
        assert store.unwritten() == []

    def test_what_somebody_else_has_settled_stays_so(
        self, store: RememberingStore, inner: Cut
    ):
        self.cut_off(store, inner)
        other = inner.acquire("other")
        inner.write(other, [row("gold", "create", "done", "1", remote_id="40015")])
        inner.release(other)

        store.acquire("me again")

        assert store.snapshot().resources["gold"].remote_id == "40015"
        assert len([one for one in store.journal() if one.key == "gold"]) == 2

    def test_while_it_stays_away_they_stay_here(
        self, store: RememberingStore, inner: Cut
    ):
        self.cut_off(store, inner)
        inner.cut = True

        with pytest.raises(StateUnreachable):
            store.acquire("me again")

        assert len(store.unwritten()) == 2
        inner.cut = False
        store.acquire("me at last")
        assert store.unwritten() == []

    def test_a_torn_last_line_is_left_out(
        self, store: RememberingStore, inner: Cut, tmp_path: Path
    ):
        self.cut_off(store, inner)
        file = tmp_path / "memory/flights.prod.unwritten.jsonl"
        file.write_text(file.read_text()[:-20])

        assert [kept.key for kept in store.unwritten()] == ["gold"]
