"""What is going on, as lines: one for each thing that is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

WAITING = "waiting"
"""The state of what has not begun."""


class Board:
    """The latest state of each of several things, told whenever one changes."""

    def __init__(self, tell: Callable[[str], None], names: Iterable[str] = ()) -> None:
        """Begin with things that wait.

        Args:
            tell: Takes all lines, `name: state`, each time.
            names: What is going to be worked on, in the order it is shown.
        """
        self._tell = tell
        self._states = dict.fromkeys(names, WAITING)

    def __call__(self, name: str, *state: str) -> None:
        """Say how something stands: a state, and details that aren't empty."""
        self._states[name] = " · ".join(filter(None, state))
        self._tell("\n".join(f"{one}: {said}" for one, said in self._states.items()))
