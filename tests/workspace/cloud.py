"""What all parts of the stand-in share: time, ids, people, and how they are routed."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.workspace.errors import ApiError, bad

type Answer = Callable[[Request], Any]
"""What is said to a request. A function is called when others are answered again."""

PAGE = 100
"""Elements of a list that one reply of the Jobs API holds."""


@dataclass(frozen=True)
class User:
    """Somebody with a token."""

    name: str
    expired: bool = False


@dataclass(frozen=True)
class Request:
    """A request on its way to whoever answers it."""

    user: User
    query: dict[str, str]
    body: dict[str, Any]
    args: tuple[str, ...]
    """What the route's groups have matched."""

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number of the query or the body."""
        value = self.query.get(name, self.body.get(name, default))
        try:
            return int(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise bad(f"{name} must be a number, not {value!r}") from None


@dataclass(frozen=True)
class Route:
    """One call of the API."""

    method: str
    path: str
    """A regular expression for the whole path."""
    answer: Answer

    def match(self, method: str, path: str) -> tuple[str, ...] | None:
        """The path's groups; None: it is another call."""
        found = re.fullmatch(self.path, path) if method == self.method else None
        return found.groups() if found else None


@dataclass
class Cloud:
    """One workspace's clock, numbers and people."""

    workspace_id: str = "900800700600"
    users: dict[str, User] = field(default_factory=dict)
    """Token to user."""
    groups: set[str] = field(default_factory=lambda: {"admins", "users"})
    hidden: set[str] = field(default_factory=set)
    """Ids of jobs and pipelines that nobody may see, whether they exist or not."""
    forbid_missing: bool = False
    """Whether changing what doesn't exist is answered with 403 instead of 404."""
    list_lag_calls: int = 0
    """How many listings miss something that was just made."""
    list_lag_seconds: float = 0.0
    """How long listings miss something that was just made."""
    seconds_later: float = 0.0
    """What the clock is ahead of the machine's: whoever raises it lets time pass."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while a request is answered."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count(101)

    def new_id(self) -> int:
        """A number that was never given before."""
        return next(self._numbers) * 7919

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.seconds_later


def millis(seconds: float) -> int:
    """A moment as the API writes it."""
    return int(seconds * 1000)


def page[T](
    items: list[T], request: Request, size: int, prefix: str = "page"
) -> tuple[list[T], str | None]:
    """One page of a list, and the token of the next one.

    Raises:
        ApiError: The token isn't one of ours.
    """
    token = request.query.get("page_token") or f"{prefix}-0"
    name, _, number = token.partition("-")
    if name != prefix or not number.isdigit():
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"bad page_token {token!r}")
    start = int(number)
    more = f"{prefix}-{start + size}" if start + size < len(items) else None
    return items[start : start + size], more


class Listing:
    """Keeps listings behind: what was just made appears late."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._made: dict[str, tuple[float, int]] = {}

    def made(self, remote_id: str) -> None:
        """Something was made just now."""
        self._made[remote_id] = self._cloud.now(), self._cloud.list_lag_calls

    def seen(self, remote_ids: Iterator[str] | list[str]) -> set[str]:
        """Which of these a listing shows now; counts as one listing."""
        now, shown = self._cloud.now(), set()
        for remote_id in remote_ids:
            at, calls = self._made.get(remote_id, (0.0, 0))
            if calls > 0:
                self._made[remote_id] = at, calls - 1
            elif now - at >= self._cloud.list_lag_seconds:
                shown.add(remote_id)
        return shown
