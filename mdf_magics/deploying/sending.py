"""One step's calls to the workspace: what is sent again, and what never blindly."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from mdf_magics.deploying.identity import Marker, marked
from mdf_magics.deploying.keeping import DataStep, TableKeeper
from mdf_magics.deploying.kept_lease import KeptLease
from mdf_magics.deploying.looking import duplicates, find_marked
from mdf_magics.deploying.sent import PERMISSIONS, sent_spec
from mdf_magics.deploying.steps import Step
from mdf_magics.deploying.workspaces.protocol import (
    NameTaken,
    NotFound,
    OutcomeUnknown,
    TooManyCalls,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import Problem
from mdf_magics.state.protocol import JournalRow

ATTEMPTS = 3

PAUSES = 30
"""How often a workspace may ask for a pause before a create is given up."""


class Sender:
    """Carries out steps; several threads use one."""

    def __init__(
        self,
        workspace: Workspace,
        lease: KeptLease,
        tables: TableKeeper,
        sleep: Callable[[float], None],
    ) -> None:
        """Bind it to a workspace and to the lease that each call must fit into."""
        self._workspace = workspace
        self._lease = lease
        self._tables = tables
        self._sleep = sleep
        self._one_at_a_time = threading.Lock()
        workspace.guard(lambda: lease.wait_until_good_for(workspace.call_seconds))
        self.unpermitted: dict[str, WorkspaceError] = {}
        """Keys of resources that are there, but without their permissions."""
        self.warnings: list[Problem] = []
        self.notes: list[str] = []
        """Where contents of tables lie now."""

    def send(self, step: Step, settings: dict[str, Any]) -> str:
        """Carry out one step.

        Args:
            step: What to do.
            settings: For a create or an update: all fields, references resolved.

        Returns:
            The resource's id.

        Raises:
            OutcomeUnknown: It may or may not have happened.
            WorkspaceError: It has certainly not happened.
            NotBegun: The deploy has stopped; it has certainly not happened.
        """
        intent = step.intent
        remote_id = intent.remote_id or ""
        marker = Marker(self._lease.lease.lineage, intent.key, intent.nonce or "")
        permissions = settings.pop(PERMISSIONS, [])
        for data in step.data:
            self._move(data)
        if intent.operation == "create":
            made = self._create(step, marked(settings, marker), marker)
            self._permit(step, made, permissions, [])
            return made
        if intent.operation in ("update", "move", "adopt"):
            sent = marked(settings, marker)
            self._repeat(lambda: self._workspace.update(intent.kind, remote_id, sent))
            before = (step.action.row and sent_spec(step.action.row)) or {}
            self._permit(step, remote_id, permissions, before.get(PERMISSIONS, []))
        if intent.operation == "delete":
            self._repeat(lambda: self._delete(intent.kind, remote_id))
        return remote_id

    def upload(self, path: str, text: str) -> None:
        """Upload one file. Raises like `send`."""
        self._repeat(lambda: self._workspace.upload(path, text))

    def remove(self, path: str) -> None:
        """Remove one uploaded file. Raises like `send`."""
        self._repeat(lambda: self._workspace.remove(path))

    def _permit(
        self,
        step: Step,
        remote_id: str,
        permissions: list[dict[str, str]],
        before: list[dict[str, str]],
    ) -> None:
        """Set the permissions where they change. What was made stays made."""
        if permissions == before:
            return
        kind = step.intent.kind
        try:
            self._repeat(lambda: self._workspace.permit(kind, remote_id, permissions))
        except WorkspaceError as error:
            self.unpermitted[step.intent.key] = error

    def _move(self, data: DataStep) -> None:
        """Move a table's content, which may have been moved already."""
        self._lease.wait_until_good_for(self._workspace.call_seconds)
        with self._one_at_a_time:
            lies_in = self._tables.carry_out(data)
        if lies_in == data.home:
            self.notes.append(
                f"{data.new_home} is there already, so {data.home} stays as it is"
            )
        elif lies_in and data.what == "keep":
            self.notes.append(
                f"{data.table}: its content so far is {lies_in}; "
                "drop it when nobody needs it any more"
            )

    def _create(self, step: Step, settings: dict[str, Any], marker: Marker) -> str:
        intent = step.intent
        made = self._made(intent, marker) if step.tried_before else None
        tries = pauses = 0
        while made is None:
            if tries == ATTEMPTS or pauses == PAUSES:
                times = f"{tries + pauses} tries"
                raise OutcomeUnknown(
                    f"{times} had no answer, and nothing is there so far",
                    "The next deploy looks again before it makes anything.",
                )
            self._lease.wait_until_good_for(self._workspace.call_seconds)
            try:
                made = self._workspace.create(intent.kind, settings)
            except (OutcomeUnknown, NameTaken) as error:
                made = self._made_after(intent, marker)
                if made is None and isinstance(error, NameTaken):
                    raise
                pauses += isinstance(error, TooManyCalls)
                tries += not isinstance(error, TooManyCalls)
            else:
                if step.tried_before:
                    self._report_twice(intent, marker, made)
        return made

    def _made(self, intent: JournalRow, marker: Marker) -> str | None:
        """The id of what an earlier create with this marker has made."""
        name = intent.name or ""
        found = find_marked(self._workspace, intent.kind, name, marker, self._sleep)
        if not found:
            return None
        kept = found[0].remote_id
        self.warnings += duplicates(self._workspace, kept, found)
        return kept

    def _made_after(self, intent: JournalRow, marker: Marker) -> str | None:
        """Like `_made`; not being able to look leaves the outcome unknown."""
        try:
            return self._made(intent, marker)
        except WorkspaceError as error:
            raise OutcomeUnknown(error.message, error.hint) from error

    def _report_twice(self, intent: JournalRow, marker: Marker, made: str) -> None:
        """Warn when the create that was tried before has come late."""
        with contextlib.suppress(WorkspaceError):
            found = self._workspace.find(intent.kind, intent.name)
            ours = [remote for remote in found if marker.on(remote.tags)]
            self.warnings += duplicates(self._workspace, made, ours)

    def _delete(self, kind: str, remote_id: str) -> None:
        with contextlib.suppress(NotFound):
            self._workspace.delete(kind, remote_id)

    def _repeat(self, call: Callable[[], None]) -> None:
        """Make a call that may be made twice, until it has an answer."""
        for attempt in range(1, ATTEMPTS + 1):
            self._lease.wait_until_good_for(self._workspace.call_seconds)
            try:
                return call()
            except OutcomeUnknown:
                if attempt == ATTEMPTS:
                    raise
        return None
