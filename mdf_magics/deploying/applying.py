"""A plan is carried out: files first, then level by level, and all of it written down.

What is done stays done. What needs something that failed is blocked, the rest goes on.
The intents of a level are one write, before its calls; outcomes are written together,
at most a second after they are known (a marker covers that gap).
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from functools import partial

from mdf_magics.deploying.calling import call_all
from mdf_magics.deploying.following import forgotten, released, without
from mdf_magics.deploying.identity import text_hash
from mdf_magics.deploying.kept_lease import KeptLease, NotBegun
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.plan import Action
from mdf_magics.deploying.references import resolved
from mdf_magics.deploying.result import (
    Blocked,
    DeployResult,
    Done,
    Failed,
    OnProgress,
    Progress,
)
from mdf_magics.deploying.sending import Sender
from mdf_magics.deploying.sent import without_permissions
from mdf_magics.deploying.steps import Step, StepId, levels
from mdf_magics.deploying.survey import View
from mdf_magics.deploying.workspaces.protocol import (
    OutcomeUnknown,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import LeaseLost, Problem, StateError
from mdf_magics.state.protocol import JournalRow

GROUP_SECONDS = 1.0
"""How long an outcome may wait to be written together with others."""

_PAST = {
    "create": "created",
    "update": "updated",
    "move": "moved",
    "adopt": "adopted",
    "rebuild": "rebuilt",
    "delete": "deleted",
    "forget": "forgotten",
}


class Application:
    """One plan being carried out under one lease."""

    def __init__(
        self,
        view: View,
        workspace: Workspace,
        lease: KeptLease,
        sender: Sender,
        *,
        concurrency: int,
        progress: OnProgress,
    ) -> None:
        """Bind a plan to what it is carried out with.

        Args:
            view: What to do, and what it was made from.
            workspace: Where to do it.
            lease: The lease, which is renewed meanwhile.
            sender: Makes the calls.
            concurrency: How many calls run at once.
            progress: Told of every resource and file, in this thread.
        """
        self._view = view
        self._plan = view.plan
        self._workspace = workspace
        self._lease = lease
        self._sender = sender
        self._concurrency = concurrency
        self._progress = progress
        self._uploaded = view.found.uploaded
        self._rows = dict(view.state.resources)
        """What the state says of each key, kept up to date."""
        self._taken: dict[str, set[str]] = defaultdict(set)
        """Key to the tables that others have taken from it."""
        self._broken: dict[str, WorkspaceError] = {}
        self._stopped: set[StepId] = set()
        self._ended: list[tuple[Step, JournalRow]] = []
        self._oldest = 0.0
        self._done: list[Done] = []
        self._failed: list[Failed] = []
        self._blocked: list[Blocked] = []

    def run(self, uploads: Mapping[str, str], origin: Origin) -> DeployResult:
        """Carry the plan out.

        Args:
            uploads: Every file that the resources use, with its text.
            origin: Where the deploy comes from.

        Raises:
            LeaseLost: Somebody else has taken the lease over; this deploy has stopped.
            StateError: The state could not be written; this deploy has stopped.
        """
        hashes = {path: text_hash(text) for path, text in uploads.items()}
        steps = levels(self._view, hashes, origin, self._workspace.workspace_id)
        for action in self._plan.of("unknown"):
            self._stopped |= {(action.key, "make"), (action.key, "remove")}
            self._fail(left_alone(action))
        try:
            self._upload(self._changed_files(uploads, hashes))
            for level in steps:
                self._carry_out([step for step in level if self._may_begin(step)])
        except (StateError, KeyboardInterrupt) as error:
            if isinstance(error, LeaseLost):
                self._remove_orphans()
            told = self._result().stopped(sum(map(len, steps)))
            if isinstance(error, StateError):
                error.note = told
            else:
                error.add_note(told)
            raise
        if not self._failed and not self._stopped:
            self._clear_away(sorted(self._unused(uploads)))
        return self._result()

    def _result(self) -> DeployResult:
        return DeployResult(
            self._plan.target,
            tuple(self._done),
            tuple(self._failed),
            tuple(self._blocked),
            tuple(self._sender.warnings),
            (*self._sender.notes, *self._statements()),
        )

    def _changed_files(
        self,
        uploads: Mapping[str, str],
        hashes: Mapping[str, str],
    ) -> dict[str, str]:
        """The files that resources of the plan use and that are not there as wanted."""
        used = {
            path
            for action in self._plan.actions
            if action.is_change and action.resource
            for path in action.resource.files
        }
        return {
            path: text
            for path, text in uploads.items()
            if path in used and self._uploaded.get(path) != hashes[path]
        }

    def _statements(self) -> list[str]:
        """What to say before the next update of pipelines that took tables."""
        done = {one.key: one.remote_id for one in self._done}
        return [
            f"before {key}'s next update, so that {one.table} keeps its rows:  {text}"
            for key, remote_id in done.items()
            for one in self._view.ownership.taken[key]
            if (text := one.alter_statement(remote_id))
        ]

    def _upload(self, changed: Mapping[str, str]) -> None:
        def ended(path: str, future: Future[None]) -> None:
            status, detail = "done", ""
            try:
                future.result()
            except (CancelledError, NotBegun):
                return
            except WorkspaceError as error:
                self._broken[path] = error
                status, detail = "failed", error.message
            self._progress(Progress(path, "file", "upload", status, detail))

        call_all(
            {
                path: partial(self._sender.upload, path, text)
                for path, text in sorted(changed.items())
            },
            concurrency=self._concurrency,
            ended=ended,
            tick=self._lease.keep,
            stop=self._lease.stop,
        )
        if changed:
            with contextlib.suppress(WorkspaceError):  # else they are sent once more
                self._workspace.uploads_ended()

    def _may_begin(self, step: Step) -> bool:
        action = step.action
        needed = sorted({key for key, part in step.needs & self._stopped})
        if needed:
            self._stopped.add(step.step_id)
            if action.operation != "replace" or step.step_id[1] == "make":
                blocked = Blocked(action.key, action.kind, action.action, tuple(needed))
                self._blocked.append(blocked)
                self._tell(action, "blocked", f"{', '.join(needed)} failed")
            return False
        files = action.resource.files if action.resource else ()
        broken = next((path for path in files if path in self._broken), None)
        if broken and step.step_id[1] == "make":
            error = self._broken[broken]
            what = f"{broken} could not be uploaded: {error.message}"
            self._stopped.add(step.step_id)
            self._fail(_failed(action, Problem(error.code, what, error.hint)))
            return False
        return True

    def _carry_out(self, steps: list[Step]) -> None:
        if not steps:
            return
        self._lease.write([step.intent for step in steps])
        by_id = {step.intent.operation_id: step for step in steps}
        calls = {}
        for operation_id, step in by_id.items():
            calls[operation_id] = partial(self._send, step, self._settings(step))
            self._tell(step.action, "started", "")

        def ended(operation_id: str, future: Future[str]) -> None:
            self._note(by_id[operation_id], future)

        try:
            call_all(
                calls,
                concurrency=self._concurrency,
                ended=ended,
                tick=self._tick,
                stop=self._lease.stop,
            )
        finally:
            self._write_outcomes()

    def _send(self, step: Step, settings: dict[str, object]) -> str:
        remote_id = self._sender.send(step, settings)
        self._lease.owe(step.intent.operation_id)
        return remote_id

    def _settings(self, step: Step) -> dict[str, object]:
        if step.step_id[1] == "remove":
            return {}
        ids = {key: row.remote_id or "" for key, row in self._rows.items()}
        return resolved(step.spec, ids, self._workspace.path_of)

    def _note(self, step: Step, future: Future[str]) -> None:
        """Remember what came of a step, to be written soon."""
        try:
            remote_id = future.result()
        except (CancelledError, NotBegun):
            error = "the deploy was stopped before this was begun"
            self._ended.append(
                (step, replace(step.intent, phase="failed", error=error))
            )
            return
        except OutcomeUnknown as unknown:
            # No outcome is written: the next deploy looks what came of it.
            self._stop_at(step, unknown)
            return
        except WorkspaceError as error:
            self._stop_at(step, error)
            row = replace(step.intent, phase="failed", error=error.message)
        else:
            url = self._workspace.url(step.intent.kind, remote_id)
            row = replace(step.intent, phase="done", remote_id=remote_id, url=url)
            if row.key in self._sender.unpermitted:
                row = without_permissions(row)
                self._fail_permissions(step)
            for one in step.takes:
                self._taken[one.giver].add(one.earlier)
            if taken := self._taken.get(row.key):
                row = without(row, taken)
            self._rows.pop(row.key, None)
            if row.operation not in ("delete", "forget"):
                self._rows[row.key] = row
        if not self._ended:
            self._oldest = time.monotonic()
        self._ended.append((step, row))

    def _stop_at(self, step: Step, error: WorkspaceError) -> None:
        self._stopped.add(step.step_id)
        action = step.action
        what = f"{action.kind} {action.key} could not be {_PAST[action.action]}"
        problem = Problem(error.code, f"{what}: {error.message}", error.hint)
        self._fail(_failed(action, problem))

    def _fail_permissions(self, step: Step) -> None:
        action, error = step.action, self._sender.unpermitted[step.intent.key]
        what = f"the permissions of {action.kind} {action.key} could not be set"
        problem = Problem(error.code, f"{what}: {error.message}", error.hint)
        self._fail(_failed(action, problem))

    def _fail(self, failed: Failed) -> None:
        self._failed.append(failed)
        status, message = "failed", failed.problem.message
        self._progress(
            Progress(failed.key, failed.kind, failed.action, status, message)
        )

    def _tick(self) -> None:
        if self._ended and time.monotonic() - self._oldest >= GROUP_SECONDS:
            self._write_outcomes()
        else:
            self._lease.keep()

    def _write_outcomes(self) -> None:
        if not self._ended:
            return
        self._ended.sort(key=lambda ended: ended[1].key)
        done = [step for step, row in self._ended if row.phase == "done"]
        follow = [row for step in done for row in self._followed_by(step)]
        self._lease.write([*(row for _, row in self._ended), *follow])
        written, self._ended = self._ended, []
        for step, row in written:
            halfway = step.action.operation == "replace" and row.operation == "delete"
            if row.phase == "done" and not halfway:
                remote_id = row.remote_id or ""
                action = step.action.action
                self._done.append(Done(row.key, row.kind, action, remote_id, row.url))
                self._tell(step.action, "done", remote_id)

    def _followed_by(self, step: Step) -> Iterator[JournalRow]:
        """What the state must know with a step's success, about other keys."""
        if step.replaces:
            self._rows.pop(step.replaces.key, None)
            yield forgotten(step.replaces)
        for giver in sorted({one.giver for one in step.takes} & self._rows.keys()):
            self._rows[giver] = released(self._rows[giver], self._taken[giver])
            yield self._rows[giver]

    def _remove_orphans(self) -> None:
        """Delete what we made too late: the new holder has made its own instead.

        Only what this deploy got the id of in a reply, and the state doesn't know.
        """
        state = self._lease.state()
        for step, row in self._ended:
            kept = state.resources.get(row.key)
            made = row.phase == "done" and row.operation == "create"
            if made and kept and kept.remote_id != row.remote_id:
                with contextlib.suppress(WorkspaceError):
                    self._workspace.delete(step.intent.kind, row.remote_id or "")

    def _unused(self, uploads: Mapping[str, str]) -> set[str]:
        """Uploaded files that nothing wants, or that resources not planned now use."""
        unused = self._uploaded.keys() - uploads.keys()
        left = self._rows.keys() - {action.key for action in self._plan.actions}
        return set() if left else unused

    def _clear_away(self, paths: list[str]) -> None:
        """Remove files that nothing uses any more; they do no harm if that fails."""

        def ended(_path: str, future: Future[None]) -> None:
            with contextlib.suppress(CancelledError, NotBegun, WorkspaceError):
                future.result()

        call_all(
            {path: partial(self._sender.remove, path) for path in paths},
            concurrency=self._concurrency,
            ended=ended,
            tick=self._lease.keep,
            stop=self._lease.stop,
        )

    def _tell(self, action: Action, status: str, detail: str) -> None:
        event = Progress(action.key, action.kind, action.action, status, detail)
        self._progress(event)


def left_alone(action: Action) -> Failed:
    """The failure of a resource that can't be told, so that nothing is done to it."""
    reason = "; ".join(action.reasons)
    message = f"{action.kind} {action.key} was left alone: {reason}"
    hint = "Nothing is changed that can't be seen to be this target's."
    return _failed(action, Problem("left-alone", message, hint))


def _failed(action: Action, problem: Problem) -> Failed:
    place = action.resource.place if action.resource else None
    problem = replace(problem, place=place)
    return Failed(action.key, action.kind, action.action, problem)
