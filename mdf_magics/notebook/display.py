"""Shows results: HTML with a text twin, and progress while something takes long."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from mdf_magics.notebook.html import render
from mdf_magics.notebook.html.elements import grid, page, paragraph
from mdf_magics.plain_text import aligned
from mdf_magics.progress import WAITING

PATIENCE = 0.5
"""Seconds before progress is shown, and between looks at it."""

MOST_LINES = 30
"""Things whose progress is shown, of a run of many."""


class Working:
    """What is going on, shown once it takes longer than PATIENCE."""

    def __init__(self) -> None:
        """Start the clock."""
        self._text = ""
        self._began = time.monotonic()
        self._handle: DisplayHandle | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __call__(self, text: str) -> None:
        """Say what is going on now."""
        self._text = text

    def start(self) -> None:
        """Begin to watch the clock."""
        self._thread.start()

    def stop(self) -> None:
        """Show no more progress."""
        self._done.set()
        self._thread.join()

    def show(self, bundle: dict[str, str]) -> None:
        """Show an output in the place of the progress, or as a new one."""
        self.stop()
        if self._handle is None:
            display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)
            self._handle = None

    def clear(self) -> None:
        """Take the progress away when nothing came of it."""
        self.stop()
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)

    def _watch(self) -> None:
        if type(get_ipython()).__name__ == "TerminalInteractiveShell":
            return  # it would print every update below the last
        before = None
        while not self._done.wait(PATIENCE):
            bundle = _progress(self._text, int(time.monotonic() - self._began))
            if bundle == before:
                continue
            before = bundle
            if self._handle is None:
                handle = DisplayHandle()
                handle.display(bundle, raw=True)
                self._handle = handle
            else:
                self._handle.update(bundle, raw=True)


def _progress(text: str, seconds: int) -> dict[str, str]:
    """What is going on and for how long, in one line or with a line for each thing."""
    lines = text.splitlines() or ["working"]
    clock = f"{seconds} s" if seconds else ""
    if len(lines) == 1:
        line = " · ".join(filter(None, [*lines, clock]))
        return {"text/plain": line, "text/html": page(paragraph(line))}
    things = [_thing(line) for line in lines]
    states = Counter(thing[1] for thing in things)
    figures = [f"{number} {state}" for state, number in states.items()]
    whole = " · ".join(filter(None, [*figures, clock]))
    shown = _latest(things)
    return {
        "text/plain": "\n".join([*aligned(shown), whole]),
        "text/html": page(grid((), shown), paragraph(whole, "soft")),
    }


def _thing(line: str) -> tuple[str, str, str]:
    """A line `name: state · details` as cells."""
    name, _, said = line.rpartition(": ")
    state, _, details = said.partition(" · ")
    return name, state, details


def _latest(things: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """As many things as can be shown: those that go on first, then the last ended."""
    if len(things) <= MOST_LINES:
        return things
    ended = [one for one in things if one[1] in _ENDED]
    others = [one for one in things if one[1] not in (*_ENDED, WAITING)]
    others = others[:MOST_LINES]
    return [*others, *ended[len(ended) + len(others) - MOST_LINES :]]


_ENDED = ("succeeded", "done", "skipped")


@contextmanager
def working() -> Iterator[Working]:
    """Watch what is done inside; its result is shown through the watcher."""
    watcher = Working()
    watcher.start()
    try:
        yield watcher
    except BaseException:
        watcher.clear()
        raise
    finally:
        watcher.stop()


def show(result: Any, watcher: Working) -> None:
    """Show a verb's result."""
    watcher.show({"text/plain": result.text(), "text/html": render(result)})


def show_text(text: str) -> None:
    """Show text as it is."""
    print(text)  # noqa: T201 (help is text in every front end)
