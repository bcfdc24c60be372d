"""What goes wrong on order, and when."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

type Effect = Literal["drop", "hang", "kill", "page"] | int


@dataclass
class Call:
    """One request, as the log keeps it."""

    number: int
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 0
    """What was answered; 0: nothing."""

    @property
    def line(self) -> str:
        """`POST /api/2.2/jobs/create`."""
        return f"{self.method} {self.path}"


@dataclass
class Fault:
    """Something that goes wrong with some requests."""

    pattern: str
    """A regular expression that is searched in `POST /api/2.2/jobs/create` and, behind
    a blank, in the body's JSON."""
    effect: Effect
    """`drop` closes the connection without a reply, `hang` keeps it open, `kill` ends
    the process `pid` and closes, `page` answers with HTML as a login page does; a
    number is the status of an error."""
    when: Literal["before", "after"] = "before"
    """Before or after the request has had its effect."""
    skip: int = 0
    """How many matching requests go well first."""
    times: int | None = 1
    """How many go wrong then; None: all."""
    retry_after: float | None = None
    """Seconds in the header Retry-After."""
    seconds: float = 3600.0
    """How long it hangs."""
    pid: int | None = None
    """Which process is killed."""
    told: Callable[[Call], None] | None = None
    """Called first, in the server's thread: for tests in the server's own process."""
    error_code: str = ""
    message: str = ""
    seen: int = 0
    """How many requests have matched."""


class Faults:
    """The faults that are on order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Order one."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """From now on everything goes well."""
        with self._lock:
            self._faults.clear()

    def hit(self, call: Call, text: str) -> Fault | None:
        """The fault that a request meets; it counts as one of its times.

        Args:
            call: The request.
            text: Its body.
        """
        with self._lock:
            for fault in self._faults:
                if re.search(fault.pattern, f"{call.line} {text}"):
                    fault.seen += 1
                    late = fault.seen - fault.skip
                    if late > 0 and (fault.times is None or late <= fault.times):
                        return fault
        return None


CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The error codes that go with a status."""
