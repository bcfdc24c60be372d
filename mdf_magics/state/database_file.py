"""A SQLite file that survives kills, other writers and damage, or says so in words.

WAL with synchronous FULL and BEGIN IMMEDIATE: of 40 processes killed while writing,
none lost a commit, and 6 that wrote at once never failed (facts/state-and-security).
WAL needs every process on one machine: the file must not lie on a network drive.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mdf_magics.errors import MdfError, Problem
from mdf_magics.state import messages

_FOR_WRITING = (
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_mode = WAL",
    "BEGIN IMMEDIATE",
)
_RETRY_SECONDS = 0.01

type Refusal = Callable[[Problem], MdfError]
"""Makes the error to raise: each room that keeps a file has its own."""


class DatabaseFile:
    """One file with one layout, opened for each use and never kept open."""

    def __init__(
        self,
        path: Path,
        *,
        version: int,
        layout: Sequence[str],
        refusal: Refusal,
        lost: str,
        busy_seconds: float = 10,
    ) -> None:
        """Name the file; nothing is opened or made before it is needed.

        Args:
            path: Where it is, or will be made by the first write.
            version: The layout's version; a file of another one is refused.
            layout: The statements that make the layout.
            refusal: Makes the error for whatever SQLite refuses.
            lost: What to do when the file is damaged, in full sentences.
            busy_seconds: How long to wait for another process's transaction.
        """
        self.path = path
        self._version = version
        self._layout = layout
        self._refusal = refusal
        self._lost = lost
        self._busy_seconds = busy_seconds

    @contextlib.contextmanager
    def reading(
        self, *, any_version: bool = False
    ) -> Iterator[sqlite3.Connection | None]:
        """A connection that sees one moment; None where nothing was ever written.

        Args:
            any_version: Whether a layout of another version is opened too.
        """
        with self._refusals():
            # A file of no bytes is what a process leaves that dies while it makes one.
            if not self.path.exists() or self.path.stat().st_size == 0:
                yield None
                return
            with contextlib.closing(self._open("rw", "BEGIN")) as connection:
                made = any_version or self._is_made(connection)
                yield connection if made else None

    @contextlib.contextmanager
    def writing(self, *, check_pages: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end, rolled back by any exception.

        Args:
            check_pages: Whether to look at every page of the file for damage first.
        """
        with self._refusals():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            opened = self._open("rwc", *_FOR_WRITING)
            with contextlib.closing(opened) as connection:
                try:
                    if not self._is_made(connection):
                        self._make(connection)
                    elif check_pages:
                        _check_pages(connection)
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise

    def _open(self, mode: str, *statements: str) -> sqlite3.Connection:
        """A connection in a transaction, as soon as others let us.

        SQLite's own timeout doesn't cover everything: a file that another connection
        turns into WAL, or closes as its last, is refused at once.
        """
        give_up = time.monotonic() + self._busy_seconds
        while True:
            connection = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=self._busy_seconds,
            )
            try:
                for statement in (*statements, "SELECT 1 FROM sqlite_master"):
                    connection.execute(statement)
            except BaseException as error:
                connection.close()
                if not _is_busy(error) or time.monotonic() > give_up:
                    raise
                time.sleep(_RETRY_SECONDS)
            else:
                return connection

    def _is_made(self, connection: sqlite3.Connection) -> bool:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == self._version:
            return True
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            return False
        if version == 0:
            raise sqlite3.DatabaseError("mdf_magics has not made this file")
        raise self._refusal(
            messages.unknown_version(str(self.path), version, self._version)
        )

    def _make(self, connection: sqlite3.Connection) -> None:
        for statement in self._layout:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {self._version}")

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._refusal(self._problem(error)) from error

    def _problem(self, error: Exception) -> Problem:
        reason = str(error)
        if _is_busy(error):
            hint = f"Another process has been writing for {self._busy_seconds:g} s."
            return Problem("file-busy", f"{self.path} is busy: {reason}", hint)
        if isinstance(error, OSError) or "unable to open" in reason:
            hint = "Nothing was changed."
            return Problem(
                "file-closed", f"{self.path} can't be opened: {reason}", hint
            )
        return Problem(
            "file-damaged", f"{self.path} can't be read: {reason}", self._lost
        )


def _is_busy(error: BaseException) -> bool:
    busy = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return busy in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _check_pages(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
