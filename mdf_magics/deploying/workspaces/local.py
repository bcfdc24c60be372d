"""A workspace in a folder: where a target with a local engine is deployed to.

It keeps what a real one would: ids that are never used twice, names (those of jobs may
repeat, those of pipelines may not), settings, and uploaded files. The files are real
and can be read and run; `${project.root}` in them is filled in.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, override

from mdf_magics.deploying.identity import text_hash
from mdf_magics.deploying.references import PATH_FIELDS, map_texts
from mdf_magics.deploying.workspaces.local_run import RunPart, run_in_order
from mdf_magics.deploying.workspaces.protocol import (
    NameTaken,
    NotFound,
    Refused,
    Remote,
    RunRequest,
    TableRun,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import Problem
from mdf_magics.state.database_file import DatabaseFile

_LAYOUT = (
    # AUTOINCREMENT: without it the id of a deleted job would come back.
    """CREATE TABLE resources (
      number INTEGER PRIMARY KEY AUTOINCREMENT, remote_id TEXT UNIQUE,
      kind TEXT NOT NULL, name TEXT NOT NULL, settings TEXT NOT NULL
    )""",
    """CREATE TABLE files (
      target TEXT, path TEXT, source_hash TEXT NOT NULL, stored_hash TEXT NOT NULL,
      root TEXT NOT NULL, -- what was filled in; empty: nothing
      PRIMARY KEY (target, path)
    )""",
)

_ROOT = "${project.root}"


class LocalWorkspace(Workspace):
    """The jobs, pipelines and files of one target, under `.mdf/workspace/`."""

    workspace_id = "local"
    call_seconds = 30.0
    listing_lag_seconds = 0.0

    def __init__(
        self,
        folder: Path,
        *,
        target: str,
        project_root: Path,
        run_part: RunPart | None = None,
    ) -> None:
        """Name the folder; nothing is made before it is needed.

        Args:
            folder: Usually `.mdf/workspace`. Targets may share one.
            target: The target's identity; its files have a folder of their own.
            project_root: What `${project.root}` stands for.
            run_part: Executes one job or pipeline; without it nothing can be run.
        """
        self._database = DatabaseFile(
            folder / "workspace.db",
            version=1,
            layout=_LAYOUT,
            refusal=_refusal,
            lost=f"Delete the folder {folder} and deploy again.",
        )
        self._files = folder / "files"
        self._target = target
        self._root = project_root.resolve().as_posix()
        self._run_part = run_part

    @override
    def guard(self, fence: Callable[[], None]) -> None:
        """Calls here don't wait, so asking before each is enough."""

    @override
    def path_of(self, path: str, *, notebook: bool) -> str:
        return f"/{self._target}/{path}"

    @override
    def url(self, kind: str, remote_id: str) -> str | None:
        return None

    @override
    def create(self, kind: str, settings: dict[str, Any]) -> str:
        with self._database.writing() as connection:
            _check_name(connection, kind, settings["name"])
            number = connection.execute(
                "INSERT INTO resources (kind, name, settings) VALUES (?, ?, ?)",
                (kind, settings["name"], json.dumps(settings)),
            ).lastrowid
            remote_id = str(number) if kind == "job" else str(uuid.uuid4())
            connection.execute(
                "UPDATE resources SET remote_id = ? WHERE number = ?",
                (remote_id, number),
            )
        return remote_id

    @override
    def get(self, kind: str, remote_id: str) -> Remote:
        found = self._select(kind, "remote_id = ?", remote_id)
        if not found:
            raise _not_found(kind, remote_id)
        return found[0]

    @override
    def find(self, kind: str, name: str | None) -> list[Remote]:
        return self._select(kind, "name = coalesce(?, name)", name)

    @override
    def update(self, kind: str, remote_id: str, settings: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            _check_name(connection, kind, settings["name"], remote_id)
            changed = connection.execute(
                "UPDATE resources SET name = ?, settings = ? "
                "WHERE kind = ? AND remote_id = ?",
                (settings["name"], json.dumps(settings), kind, remote_id),
            ).rowcount
            if not changed:
                raise _not_found(kind, remote_id)

    @override
    def delete(self, kind: str, remote_id: str) -> None:
        with self._database.writing() as connection:
            deleted = connection.execute(
                "DELETE FROM resources WHERE kind = ? AND remote_id = ?",
                (kind, remote_id),
            ).rowcount
            if not deleted:
                raise _not_found(kind, remote_id)

    @override
    def permit(
        self, kind: str, remote_id: str, permissions: Sequence[Mapping[str, str]]
    ) -> None:
        """A folder of one's own has no permissions."""

    @override
    def uploaded(self) -> dict[str, str]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT path, source_hash, stored_hash FROM files "
                "WHERE target = ? AND root IN ('', ?)",
                (self._target, self._root),
            ).fetchall() if connection else []  # fmt: skip
        found = {}
        for path, source_hash, stored_hash in rows:
            file = self._place(path)
            if file.is_file():
                actual = hashlib.sha256(file.read_bytes()).hexdigest()
                found[path] = source_hash if actual == stored_hash else actual
        return found

    @override
    def upload(self, path: str, text: str) -> None:
        root = self._root if _ROOT in text else ""
        if set(root) & set("'\"\\{}\n"):
            raise Refused(
                f"the project lies in {root}, which can't be written into code",
                "Move it: no quotes, braces and backslashes may be in its path.",
            )
        stored = text.replace(_ROOT, root).encode()
        _write_whole(self._place(path), stored)
        stored_hash = hashlib.sha256(stored).hexdigest()
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
                (self._target, path, text_hash(text), stored_hash, root),
            )

    @override
    def remove(self, path: str) -> None:
        self._place(path).unlink(missing_ok=True)
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM files WHERE target = ? AND path = ?", (self._target, path)
            )

    @override
    def uploads_ended(self) -> None:
        """Each upload was remembered at once."""

    @override
    def run(
        self,
        kind: str,
        remote_id: str,
        request: RunRequest,
        progress: Callable[[TableRun], None],
    ) -> Iterable[TableRun]:
        if self._run_part is None:
            raise Refused("nothing here can run a job")
        run_part = self._run_part
        folder = self._files.resolve() / self._target

        def run_one(remote: Remote) -> Iterable[TableRun]:
            settings = map_texts(remote.settings, self._filled_in)
            local = Remote(remote.kind, remote.remote_id, remote.name, settings)
            return run_part(local, folder, request, progress)

        return run_in_order(self.get(kind, remote_id), self.get, run_one, progress)

    @override
    def resume(
        self, run_id: str, request: RunRequest, progress: Callable[[TableRun], None]
    ) -> Iterable[TableRun]:
        raise _ended_with_its_command()

    @override
    def last_run(
        self, kind: str, remote_id: str, request: RunRequest
    ) -> Iterable[TableRun] | None:
        return None

    @override
    def cancel(self, run_id: str) -> None:
        raise _ended_with_its_command()

    @override
    def repair(self, run_id: str) -> None:
        raise _ended_with_its_command()

    def _filled_in(self, field: str, text: str) -> str:
        if field in PATH_FIELDS and text.startswith(f"/{self._target}/"):
            return str(self._files.resolve() / text.removeprefix("/"))
        return text.replace(_ROOT, self._root)

    def _select(self, kind: str, condition: str, value: str | None) -> list[Remote]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT kind, remote_id, name, settings FROM resources "
                f"WHERE kind = ? AND {condition} ORDER BY number",
                (kind, value),
            ).fetchall() if connection else []  # fmt: skip
        return [
            Remote(kind, remote_id, name, json.loads(settings))
            for kind, remote_id, name, settings in rows
        ]

    def _place(self, path: str) -> Path:
        folder = (self._files / self._target).resolve()
        place = (folder / path).resolve()
        if not place.is_relative_to(folder) or place == folder:
            raise Refused(f"{path} lies outside of the target's folder")
        return place


def _check_name(
    connection: sqlite3.Connection, kind: str, name: str, own: str = ""
) -> None:
    if (
        kind == "pipeline"
        and connection.execute(
            "SELECT 1 FROM resources WHERE kind = ? AND name = ? AND remote_id <> ?",
            (kind, name, own),
        ).fetchone()
    ):
        raise NameTaken(f"the pipeline name {name} is already used by another pipeline")


def _write_whole(place: Path, content: bytes) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Refused(f"{place} can't be written: {error.strerror}") from error


def _not_found(kind: str, remote_id: str) -> NotFound:
    return NotFound(f"there is no {kind} {remote_id}")


def _refusal(problem: Problem) -> WorkspaceError:
    return WorkspaceError(problem.message, problem.hint)


def _ended_with_its_command() -> Refused:
    message = "a run of this target ends with the command that started it"
    return Refused(message, "Run its tables again:  mdf run schema.table+ .")
