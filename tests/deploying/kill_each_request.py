"""Deploys to a workspace that are killed (SIGKILL) before or after each request.

Started as a process of its own, which forks one more for each deploy that is to die.
Each has a target of its own in one stand-in, which the environment leads to.

    python -m tests.deploying.kill_each_request FOLDER before|after
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mdf_magics.deploying.workspaces import rest
from mdf_magics.planning.resources import Compiled
from tests.deploying.desired import compiled, part, whole
from tests.deploying.kill_each_call import in_child
from tests.deploying.remote import RemoteTarget

NOTEBOOK = "# Databricks notebook source\n"


def before(target: str) -> Compiled:
    """Twelve tables in three jobs, and `all`."""
    bronze = part("bronze", *(f"bronze.t{n}" for n in range(6)), target=target)
    gold = part("gold", *(f"gold.t{n}" for n in range(4)), target=target)
    old = part("old", "old.a", "old.b", target=target)
    return _compiled(target, bronze, gold, old)


def after(target: str) -> Compiled:
    """One job is changed, one renamed, one deleted; a table moves; a pipeline is new."""
    bronze = part("bronze", *(f"bronze.t{n}" for n in range(5)), target=target,
                  timeout_seconds=60)  # fmt: skip
    marts = part("marts", "bronze.t5", *(f"gold.t{n}" for n in range(4)),
                 target=target, renamed_from="gold")  # fmt: skip
    silver = part("silver", "silver.a", "silver.b", kind="pipeline", target=target,
                  catalog="main", schema="silver")  # fmt: skip
    return _compiled(target, bronze, marts, silver)


def _compiled(target: str, *parts: Any) -> Compiled:
    texts = {f"src/{one.key}.py": NOTEBOOK for one in parts if one.kind == "job"}
    return compiled(*parts, whole(parts, target=target), code=texts, target=target)


def count_requests(when: str, reached: Callable[[int], None]) -> None:
    """Call `reached` with each request's number, before or after it was answered."""
    real, numbers = rest._send, iter(range(1, 1_000_000))

    def send(*given: Any, **named: Any) -> Any:
        number = next(numbers)
        if when == "before":
            reached(number)
        try:
            return real(*given, **named)
        finally:
            if when == "after":
                reached(number)

    rest._send = send


def deploy(remote: RemoteTarget, when: str, last: int) -> None:
    """Deploy, and die at a request; 0: write down how many there are."""
    seen: list[int] = []

    def reached(number: int) -> None:
        seen.append(number)
        if number == last:
            os.kill(os.getpid(), signal.SIGKILL)

    count_requests(when, reached)
    assert remote.deploy(after(remote.target)).succeeded
    (remote.folder / "requests").write_text(str(len(seen)))


def recover(remote: RemoteTarget) -> None:
    """Deploy once more: nothing is missing, nothing there twice."""
    remote.late = 200  # the lease of the dead one has ended
    assert remote.deploy(after(remote.target)).succeeded
    remote.check(after(remote.target))


def main(folder: Path, when: str) -> None:
    server: Any = SimpleNamespace(host=os.environ["DATABRICKS_HOST"])

    def deployed(name: str) -> RemoteTarget:
        place = folder / name
        place.mkdir()
        remote = RemoteTarget(place, server, target=name)
        first = before(name)
        assert in_child(lambda: remote.deploy(first)) == 0
        return remote

    unharmed = deployed("unharmed")
    assert in_child(lambda: deploy(unharmed, when, 0)) == 0
    total = int((unharmed.folder / "requests").read_text())
    for last in range(1, total + 1):
        remote = deployed(f"dead{last}")
        status = in_child(partial(deploy, remote, when, last))
        assert os.WIFSIGNALED(status), f"request {last} was never reached"
        assert in_child(partial(recover, remote)) == 0, f"request {last}"
    print(f"killed {total} deploys")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
