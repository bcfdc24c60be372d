"""A workspace whose calls fail, on order, before or after they have had their effect."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mdf_magics.deploying.workspaces.local import LocalWorkspace
from mdf_magics.deploying.workspaces.protocol import OutcomeUnknown, Remote

type Fault = Callable[[str, str], None]
"""Gets the method's name and what it is called for; raises, or lets it pass."""


class FaultyWorkspace:
    """A real local workspace, with something that goes wrong around its calls."""

    def __init__(
        self,
        real: LocalWorkspace,
        *,
        before: Fault | None = None,
        after: Fault | None = None,
    ) -> None:
        self.real = real
        self.before = before or (lambda method, subject: None)
        self.after = after or (lambda method, subject: None)
        self.calls: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self.workspace_id = real.workspace_id
        self.call_seconds = real.call_seconds
        self.listing_lag_seconds = real.listing_lag_seconds
        self.path_of = real.path_of
        self.url = real.url
        self.run = real.run
        self.guard = real.guard
        self.permit = real.permit
        self.uploads_ended = real.uploads_ended
        self.resume, self.cancel = real.resume, real.cancel
        self.repair = real.repair
        self.last_run = real.last_run

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The calls that change something, in the order of their beginnings."""
        reading = ("get", "find", "uploaded")
        return [call for call in self.calls if call[0] not in reading]

    def create(self, kind: str, settings: dict[str, Any]) -> str:
        key = settings["tags"]["mdf_key"]
        return self._call("create", key, lambda: self.real.create(kind, settings))

    def get(self, kind: str, remote_id: str) -> Remote:
        return self._call("get", remote_id, lambda: self.real.get(kind, remote_id))

    def find(self, kind: str, name: str | None) -> list[Remote]:
        return self._call("find", name or "", lambda: self.real.find(kind, name))

    def update(self, kind: str, remote_id: str, settings: dict[str, Any]) -> None:
        key = settings["tags"]["mdf_key"]
        self._call("update", key, lambda: self.real.update(kind, remote_id, settings))

    def delete(self, kind: str, remote_id: str) -> None:
        self._call("delete", remote_id, lambda: self.real.delete(kind, remote_id))

    def uploaded(self) -> dict[str, str]:
        return self._call("uploaded", "", self.real.uploaded)

    def upload(self, path: str, text: str) -> None:
        self._call("upload", path, lambda: self.real.upload(path, text))

    def remove(self, path: str) -> None:
        self._call("remove", path, lambda: self.real.remove(path))

    def _call[T](self, method: str, subject: str, call: Callable[[], T]) -> T:
        with self._lock:
            self.calls.append((method, subject))
        self.before(method, subject)
        result = call()
        self.after(method, subject)
        return result


def on(method: str, subject: str, error: BaseException, *, times: int = 1) -> Fault:
    """A fault that raises at the first calls of a method for one subject."""
    left = [times]

    def fault(called: str, about: str) -> None:
        if (called, about) == (method, subject) and left[0] > 0:
            left[0] -= 1
            raise error

    return fault


def dies_after_create(workspace: FaultyWorkspace, key: str) -> None:
    """The create has its effect; its reply and all that is asked then are lost."""
    dead: list[bool] = []

    def after(method: str, subject: str) -> None:
        if (method, subject) == ("create", key):
            dead.append(True)
            raise lost()

    def before(method: str, subject: str) -> None:
        if dead and key in subject:
            raise lost()

    workspace.before, workspace.after = before, after


def lost() -> OutcomeUnknown:
    """The reply didn't arrive."""
    return OutcomeUnknown("the connection was reset")
