"""What completion knows. It is looked up in the background, never while one waits.

Front ends ask for completions from other threads, and give up after two seconds; so
answers come from what is known, and every question lets that be refreshed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from mdf_magics.vocabulary import Vocabulary

FIRST, SOON, LATER = 1.5, 0.5, 0.05
"""Seconds that a question waits: for the first names, for a table's columns that are
not known yet, and for what is known to become fresh."""

FRESH = 2.0
"""Seconds for which a name that was looked up counts as fresh."""


class Memory:
    """The names of a project and the columns of its tables, as last seen."""

    def __init__(
        self,
        vocabulary: Callable[[], Vocabulary],
        columns: Callable[[str], Sequence[str]],
    ) -> None:
        """Know nothing yet.

        Args:
            vocabulary: Works out the names; may take long, or raise.
            columns: Asks for a table's columns; the same.
        """
        self._find_vocabulary = vocabulary
        self._find_columns = columns
        self._known: dict[Hashable, Any] = {}
        self._found_at: dict[Hashable, float] = {}
        self._looking: dict[Hashable, threading.Event] = {}
        self._lock = threading.Lock()

    def vocabulary(self) -> Vocabulary:
        """The names, at most a moment old if that could be had in time."""
        key = "vocabulary"
        patience = LATER if key in self._known else FIRST
        if not self._is_fresh(key):
            self._look(key, self._find_vocabulary, patience)
        found: Vocabulary = self._known.get(key) or Vocabulary()
        return found

    def columns(self, tables: Iterable[str]) -> list[str]:
        """The columns of tables, as far as they are known or quickly had."""
        found: dict[str, None] = {}
        for table in dict.fromkeys(tables):
            key = "columns", table
            if key not in self._known and not self._is_fresh(key):
                self._look(key, partial(self._find_columns, table), SOON)
            found |= dict.fromkeys(self._known.get(key) or ())
        return list(found)

    def learn(self, table: str, columns: Iterable[str]) -> None:
        """Remember the columns that a preview came with."""
        self._known["columns", table] = tuple(columns)

    def forget(self) -> None:
        """Definitions may have changed: look again at the next question."""
        self._found_at.clear()

    def _is_fresh(self, key: Hashable) -> bool:
        return time.monotonic() - self._found_at.get(key, -FRESH) < FRESH

    def _look(self, key: Hashable, find: Callable[[], Any], patience: float) -> None:
        """Look in the background, and wait a moment for what comes of it."""
        with self._lock:
            done = self._looking.get(key)
            if done is None:
                done = self._looking[key] = threading.Event()
                threading.Thread(
                    target=self._find, args=(key, find), daemon=True, name="mdf-names"
                ).start()
        done.wait(patience)

    def _find(self, key: Hashable, find: Callable[[], Any]) -> None:
        with suppress(Exception):  # a project may be broken, an engine away
            self._known[key] = find()
        self._found_at[key] = time.monotonic()
        with self._lock:
            self._looking.pop(key).set()
