"""When each step of a run begins and ends, worked out when the run is started.

Nothing runs here. A run is a timetable: whoever looks later sees how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What comes of one task of a job, or of one table of a pipeline."""

    succeeds: bool = True
    seconds: float = 0.05
    rows: int | None = 7
    error: str = ""
    trace: str = ""
    result: str | None = None
    """What the notebook exits with; None: what our runtime would."""


@dataclass
class Step:
    """One task of a run in time."""

    key: str
    run_id: int
    spec: dict[str, Any]
    starts: float
    ends: float
    result: str
    """`SUCCESS`, `FAILED`, `UPSTREAM_FAILED`, `DISABLED`, `CANCELED`."""
    outcome: Outcome = field(default_factory=Outcome)
    child: Any = None
    """The run, or the update of a pipeline, that it has started."""

    def cancel(self, now: float) -> None:
        """End it now, unless it has ended."""
        if self.ends > now:
            self.starts, self.ends = min(self.starts, now), now
            self.result = "CANCELED"

    def life_cycle(self, now: float) -> str:
        """The state that the API calls life_cycle_state."""
        if now < self.starts:
            return "BLOCKED"
        if now < self.ends:
            return "RUNNING"
        return "SKIPPED" if self.result in SKIPPED else "TERMINATED"


SKIPPED = ("UPSTREAM_FAILED", "DISABLED", "UPSTREAM_CANCELED")


def timetable(
    tasks: Iterable[dict[str, Any]],
    chosen: set[str],
    start: float,
    begin: Callable[[dict[str, Any], float], Step],
) -> list[Step]:
    """The steps of a job run: each begins when all that it waits for have ended.

    Args:
        tasks: The job's tasks; they don't wait for each other in a circle.
        chosen: The keys of those that run; the others are disabled.
        start: When the run begins.
        begin: Makes the step of a task that begins at a moment.
    """
    waiting = {task["task_key"]: task for task in tasks}
    done: dict[str, Step] = {}
    while waiting:
        for key, task in list(waiting.items()):
            upstream = [one["task_key"] for one in task.get("depends_on") or []]
            if not done.keys() >= set(upstream):
                continue
            before = [done[one] for one in upstream]
            at = max([start, *(one.ends for one in before)])
            broken = [
                one for one in before if one.result not in ("SUCCESS", "DISABLED")
            ]
            step = begin(task, at) if key in chosen and not broken else None
            if step is None:
                result = "UPSTREAM_FAILED" if key in chosen else "DISABLED"
                step = Step(key, 0, task, at, at, result)
            done[key] = step
            del waiting[key]
    return list(done.values())


def selected(tasks: list[dict[str, Any]], only: list[str]) -> set[str]:
    """The task keys that `only` names: `key`, `+key`, `key+`.

    Raises:
        KeyError: There is no such task.
    """
    waits = {
        task["task_key"]: {one["task_key"] for one in task.get("depends_on") or []}
        for task in tasks
    }
    if not only:
        return set(waits)
    behind = {key: {one for one in waits if key in waits[one]} for key in waits}
    found: set[str] = set()
    for word in only:
        key = word.strip("+")
        if key not in waits:
            raise KeyError(key)
        found.add(key)
        found |= _reached(key, waits) if word.startswith("+") else set()
        found |= _reached(key, behind) if word.endswith("+") else set()
    return found


def _reached(key: str, edges: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [key]
    while waiting:
        new = edges[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached
