"""Deploys that are killed (SIGKILL) before or after each of their calls, one by one.

Started as a process of its own, which forks one more for each deploy that is to die:
so nothing of the dead one is left but its files. Then it deploys once more and checks.

    python -m tests.deploying.kill_each_call FOLDER SCENARIO before|after
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mdf_magics.errors import ConsentMissing
from mdf_magics.planning.resources import Compiled, Resource
from tests.deploying.desired import (
    BRONZE,
    FLIGHTS,
    ORDER,
    SILVER,
    compiled,
    part,
    whole,
)
from tests.deploying.place import Place

MARTS = part("marts", "marts.delays")
PIPELINE = part("gold", "gold.delays", "gold.routes", kind="pipeline")


class Scenario(NamedTuple):
    before: Compiled
    after: Compiled
    consent: dict[str, Any]
    creates: int
    """How many resources may ever be made, from `before` to `after`."""


def _ten_parts(numbers: Iterable[int]) -> list[Resource]:
    """Jobs of ten tables each."""
    return [part(f"p{n}", *(f"p{n}.t{one}" for one in range(10))) for n in numbers]


SCENARIOS = {
    "first": Scenario(compiled(), FLIGHTS, {}, creates=4),
    "change": Scenario(
        FLIGHTS,
        compiled(
            BRONZE,
            SILVER,
            MARTS,
            whole([BRONZE, SILVER, MARTS], {"silver": ["bronze"]}),
            code={"src/silver.py": "# new\n"},
        ),
        {"delete": 1},
        creates=5,
    ),
    "moves": Scenario(
        FLIGHTS,
        compiled(
            part("bronze", "bronze.airlines"),
            SILVER,
            part("marts", "bronze.flights", "gold.delays", renamed_from="gold"),
            part("last", "gold.routes"),
        ),
        {"yes": True, "delete": 1},
        creates=5,
    ),
    "hundred": Scenario(
        compiled(*_ten_parts(range(10)), whole(_ten_parts(range(10)))),
        compiled(
            *_ten_parts(range(2, 8)),
            part("p8", *(f"p8.t{n}" for n in range(5)), timeout_seconds=60),
            part("q9", *(f"p9.t{n}" for n in range(10)), renamed_from="p9"),
            part("new", *(f"p8.t{n}" for n in range(5, 10)), kind="pipeline"),
            part("more", "p0.t0", "more.x"),
            whole(_ten_parts(range(2, 8))),
            code={f"src/p{n}.py": "# changed\n" for n in (2, 3)},
        ),
        {"yes": True, "delete": 2},
        creates=13,
    ),
    "rebuild": Scenario(
        FLIGHTS,
        compiled(BRONZE, SILVER, PIPELINE, whole([BRONZE, SILVER, PIPELINE], ORDER)),
        {"yes": True},
        creates=5,
    ),
}


def count_down(place: Place, when: str, reached: Callable[[int], None]) -> None:
    """Call `reached` with the number of each call, before or after it has its effect."""
    number = 0

    def step(*_: object) -> None:
        nonlocal number
        number += 1
        reached(number)

    setattr(place.workspace, when, step)
    for method in ("acquire", "write", "release"):
        real = getattr(place.store, method)

        def around(*given: Any, real: Callable[..., Any] = real) -> Any:
            if when == "before":
                step()
            result = real(*given)
            if when == "after":
                step()
            return result

        setattr(place.store, method, around)


def in_child(work: Callable[[], object]) -> int:
    """Do it in a forked process, so that this one never has threads; its status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever it was, it is shown
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def deploy(folder: Path, scenario: Scenario, when: str, last: int) -> None:
    """Deploy, and die at call number `last`; 0: write down how many there are."""
    numbers: list[int] = []

    def reached(number: int) -> None:
        numbers.append(number)
        if number == last:
            os.kill(os.getpid(), signal.SIGKILL)

    place = Place(folder, concurrency=1)
    count_down(place, when, reached)
    place.deploy(scenario.after, **scenario.consent)
    (folder / "calls").write_text(str(len(numbers)))


def recover(folder: Path, scenario: Scenario) -> None:
    """Deploy once more and check that nothing is missing and nothing there twice."""
    # The lease of the dead one has ended when the next deploy comes.
    place = Place(folder, seconds_later=200)
    try:
        result = place.deploy(scenario.after, **scenario.consent)
    except ConsentMissing as missing:
        # The dead one had deleted some: what is left is fewer, and asked for again.
        left: Any = missing.enough
        assert left.delete < scenario.consent["delete"]
        result = place.deploy(scenario.after, **vars(left))
    assert result.succeeded, result.text()
    place.check_agreement(scenario.after)
    assert made(folder) == scenario.creates


def made(folder: Path) -> int:
    """How many resources the workspace has ever made: its ids never come back."""
    with closing(sqlite3.connect(folder / ".mdf/workspace/workspace.db")) as database:
        (number,) = database.execute("SELECT seq FROM sqlite_sequence").fetchone()
    return int(number)


def main(folder: Path, name: str, when: str) -> None:
    scenario = SCENARIOS[name]
    start = folder / "start"
    start.mkdir()
    assert in_child(lambda: Place(start).deploy(scenario.before)) == 0
    unharmed = folder / "unharmed"
    shutil.copytree(start, unharmed)
    assert in_child(lambda: deploy(unharmed, scenario, when, 0)) == 0
    total = int((unharmed / "calls").read_text())
    for number in range(1, total + 1):
        dead = folder / f"{number}"
        shutil.copytree(start, dead)
        status = in_child(partial(deploy, dead, scenario, when, number))
        assert os.WIFSIGNALED(status), f"call {number} was never reached"
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert in_child(partial(recover, dead, scenario)) == 0, f"call {number}"
    print(f"killed {total} deploys")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
