"""Two deploys whose steps a seed puts in order, with pauses past the lease and kills.

Each deploy runs in a thread of its own, and only one thread runs at a time: before and
after every call to the store and to the workspace the seed says who goes on, how much
time has gone by, and whether somebody dies. So a seed is a whole story, told the same
way each time.
"""

from __future__ import annotations

import _thread
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, cast

from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.kept_lease import KeptLease, NotBegun
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploying.survey import Wish
from mdf_magics.errors import ConsentMissing, LeaseLost, MdfError
from mdf_magics.planning.resources import Compiled
from tests.deploying.memory import Journal, MemoryStore, MemoryWorkspace

STORE = ("acquire", "write", "renew", "release", "snapshot")
WORKSPACE = (
    "create",
    "get",
    "find",
    "update",
    "delete",
    "uploaded",
    "upload",
    "remove",
)


class Killed(BaseException):
    """The process is no more."""


class Turns:
    """Whose turn it is."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 1000.0
        self.kills = self.random.random() < 0.5
        """Half of the stories have deaths, the others calls that arrive too late."""
        self.dead: set[str] = set()
        self._back = _locked()
        self._go: dict[str, Any] = {}
        self._ended: set[str] = set()

    def play(self, works: Mapping[str, Callable[[], object]]) -> dict[str, str]:
        """Run all to their ends; how each ended."""
        outcomes: dict[str, str] = {}

        def act(name: str, work: Callable[[], object]) -> None:
            self._go[name].acquire()
            try:
                work()
                outcomes[name] = "done"
            except (MdfError, Killed) as error:
                outcomes[name] = type(error).__name__
            finally:
                self._ended.add(name)
                self._back.release()

        self._go = {name: _locked() for name in works}
        threads = [
            threading.Thread(target=act, args=item, daemon=True)
            for item in works.items()
        ]
        for thread in threads:
            thread.start()
        while waiting := sorted(works.keys() - self._ended):
            self._go[self.random.choice(waiting)].release()
            self._back.acquire()
        for thread in threads:
            thread.join()
        return outcomes

    def hand_over(self, name: str) -> None:
        """Let whoever is next go on; come back when it is this one's turn again."""
        self._back.release()
        self._go[name].acquire()

    def step(self, name: str, *, in_call: bool) -> None:
        """A moment at which others act, time goes by, or the process dies.

        Args:
            name: Whose step it is.
            in_call: A request is on its way: unless nobody dies in this story, it has
                arrived before `call_seconds` have passed.
        """
        if name in self.dead:
            raise Killed
        if self.kills and self.random.random() < 0.01:
            self.dead.add(name)
            raise Killed
        self.hand_over(name)
        late = self.random.random()
        if late < 0.02 and not (in_call and self.kills):
            self.now += 200
        elif late < 0.2 and not in_call:
            self.now += 20


class Stepped:
    """A store or a workspace each of whose calls takes its turn."""

    def __init__(
        self,
        real: Any,
        turns: Turns,
        name: str,
        methods: tuple[str, ...],
        *,
        remote: bool,
    ) -> None:
        self._real, self._turns, self._name = real, turns, name
        self._methods, self._remote = methods, remote

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._real, attribute)
        if attribute not in self._methods:
            return found

        def call(*given: Any, **named: Any) -> Any:
            self._turns.step(self._name, in_call=self._remote)
            result = found(*given, **named)
            self._turns.step(self._name, in_call=False)
            return result

        return call


class SteppedLease(KeptLease):
    """Renews by itself while a call waits: its deploy has one thread only."""

    def owe(self, operation_id: str) -> None:
        """Nobody could write while the one thread waits."""

    def wait_until_good_for(self, seconds: float) -> None:
        while not self._stopped and self._left() <= seconds:
            try:
                self.write(())
            except LeaseLost as error:
                raise NotBegun from error
        super().wait_until_good_for(seconds)


def call_in_turn(
    calls: Mapping[Any, Callable[[], Any]],
    *,
    concurrency: int,
    ended: Callable[[Any, Future[Any]], None],
    tick: Callable[[], None] = lambda: None,
    stop: Callable[[], None] = lambda: None,
) -> None:
    """`call_all` without threads."""
    del concurrency
    waiting = list(calls.items())
    try:
        while waiting:
            key, call = waiting.pop(0)
            future: Future[Any] = Future()
            try:
                future.set_result(call())
            except Killed:
                raise
            except BaseException as error:  # noqa: BLE001 - raised by its result()
                future.set_exception(error)
            ended(key, future)
            tick()
    except Killed:
        raise
    except BaseException:
        stop()
        for key, _ in waiting:
            future = Future()
            future.cancel()
            ended(key, future)
        raise


class Story:
    """One workspace, one journal, and the deploys that a seed lets loose on them."""

    def __init__(self, seed: int) -> None:
        self.turns = Turns(seed)
        self.journal = Journal(lambda: self.turns.now)
        self.workspace = MemoryWorkspace()

    def deployer(self, name: str = "") -> Deployer:
        """Somebody who deploys: in turn with others, or alone."""
        store: Any = MemoryStore(self.journal)
        workspace: Any = self.workspace
        if name:
            store = Stepped(store, self.turns, name, STORE, remote=False)
            workspace = Stepped(workspace, self.turns, name, WORKSPACE, remote=True)
        return Deployer(
            store,
            workspace,
            sleep=lambda seconds: self._sleep(name, seconds),
            clocks=(lambda: self.turns.now,),
        )

    def deploy(self, desired: Compiled, name: str = "") -> DeployResult:
        """Deploy, and agree to whatever is asked."""
        deployer, consent = self.deployer(name), Consent(yes=True)
        origin = Origin(name or "last")
        while True:
            terms = Terms(origin, consent, wait_seconds=400)
            try:
                return deployer.deploy(Wish(desired), terms)
            except ConsentMissing as missing:
                consent = cast("Consent", missing.enough)

    def _sleep(self, name: str, seconds: float) -> None:
        self.turns.now += seconds
        if name:
            self.turns.step(name, in_call=False)


def _locked() -> Any:
    lock = _thread.allocate_lock()
    lock.acquire()
    return lock
