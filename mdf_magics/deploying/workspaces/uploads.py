"""The files of one target in a workspace, and how it is known which are as uploaded.

A workspace doesn't tell a file's hash, and gives notebooks back in a form of its own.
So what was uploaded is remembered beside the files, in `uploaded.json`: the hash of
each, and the stamp that the workspace gave it. Who changes a file changes its stamp.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from mdf_magics.deploying.identity import text_hash
from mdf_magics.deploying.workspaces.protocol import NotFound, Refused
from mdf_magics.deploying.workspaces.rest import Rest

RECORD = "uploaded.json"

_SUFFIXES = {".py": "PYTHON", ".sql": "SQL", ".scala": "SCALA", ".r": "R"}
_HEADERS = ("# Databricks notebook source", "-- Databricks notebook source")

_CHANGED = ""
"""The hash of a file that is there, but not as it was uploaded."""


class Uploads:
    """A target's folder in a workspace."""

    def __init__(self, rest: Rest, folder: str, owner: Mapping[str, str]) -> None:
        """Name the folder; nothing is made before it is needed.

        Args:
            rest: The workspace's API.
            folder: An absolute path that starts with `/Workspace`.
            owner: Project and target: nobody else's folder is written to.
        """
        self._rest = rest
        self._owner = dict(owner)
        self._stamps: dict[str, Any] = {}
        self._sent: dict[str, str] = {}
        self._objects: dict[str, str] = {}
        self._folders: set[str] = set()
        self._lock = threading.Lock()
        self.folder = folder

    def path_of(self, path: str, *, notebook: bool) -> str:
        """Where a file lies; a notebook has no suffix there."""
        place = PurePosixPath(self.folder, path)
        return str(place.with_suffix("") if notebook else place)

    def hashes(self) -> dict[str, str]:
        """Every file that is there, with the hash of what was uploaded.

        Raises:
            Refused: The folder belongs to another target.
            WorkspaceError: It can't be read.
        """
        self._stamps = self._record().get("stamps", {})
        objects = self._list("src")
        self._objects = {path: one["path"] for path, one in objects.items()}
        found = {}
        for path, one in objects.items():
            known = self._stamps.get(path, {})
            as_sent = known.get("stamp") == _stamp(one)
            found[path] = known["sha256"] if as_sent else _CHANGED
        return found

    def upload(self, path: str, text: str) -> None:
        """Write one file whole, or not at all. Raises WorkspaceError."""
        place = str(PurePosixPath(self.folder, path))
        self._make_folder(str(PurePosixPath(place).parent))
        self._import(place, text)
        stale = self._objects.get(path)
        now = self.path_of(path, notebook=_is_notebook(text))
        if stale and PurePosixPath(stale).name != PurePosixPath(now).name:
            self._delete(str(PurePosixPath(place).with_name(PurePosixPath(stale).name)))
        with self._lock:
            self._sent[path] = text_hash(text)

    def remove(self, path: str) -> None:
        """Remove one file, if it is there. Raises WorkspaceError."""
        name = PurePosixPath(self._objects.get(path, path)).name
        self._delete(str(PurePosixPath(self.folder, path).with_name(name)))

    def remember(self) -> None:
        """Write down what was uploaded, for `hashes`. Raises WorkspaceError."""
        objects = self._list("src")
        new = {
            path: {"sha256": sent, "stamp": _stamp(objects[path])}
            for path, sent in self._sent.items()
            if path in objects
        }
        kept = {path: one for path, one in self._stamps.items() if path in objects}
        self._stamps = dict(sorted((kept | new).items()))
        self._sent.clear()
        record = {**self._owner, "stamps": self._stamps}
        self._import(f"{self.folder}/{RECORD}", json.dumps(record, indent=1) + "\n")

    def _record(self) -> dict[str, Any]:
        path = f"{self.folder}/{RECORD}"
        try:
            reply = self._rest.read(
                "/api/2.0/workspace/export", {"path": path, "format": "AUTO"}
            )
            record = json.loads(base64.b64decode(reply.get("content", "")))
        except (NotFound, ValueError):
            return {}
        if not isinstance(record, dict):
            return {}
        owner = {key: record.get(key) for key in self._owner}
        if owner != self._owner:
            whose = " of ".join(str(one) for one in reversed(owner.values()))
            raise Refused(
                f"the folder {self.folder} belongs to {whose}",
                "Give this target a root_path of its own.",
            )
        return record

    def _list(self, path: str) -> dict[str, dict[str, Any]]:
        """The files below a folder, by their paths as uploaded; folders one deep."""
        place = f"{self.folder}/{path}"
        try:
            reply = self._rest.read("/api/2.0/workspace/list", {"path": place})
        except NotFound:
            return {}
        self._folders.add(place)
        found: dict[str, dict[str, Any]] = {}
        for one in reply.get("objects") or []:
            name = PurePosixPath(one["path"]).name
            if one["object_type"] == "DIRECTORY":
                found |= self._list(f"{path}/{name}")
            elif one["object_type"] in ("FILE", "NOTEBOOK"):
                found[f"{path}/{name}{_suffix(one)}"] = one
        return found

    def _make_folder(self, folder: str) -> None:
        with self._lock:
            if folder not in self._folders:
                self._rest.change("POST", "/api/2.0/workspace/mkdirs", {"path": folder})
                self._folders.add(folder)

    def _import(self, place: str, text: str) -> None:
        body = {
            "path": place,
            "format": "AUTO",
            "overwrite": True,
            "content": base64.b64encode(text.encode()).decode(),
        }
        self._rest.change("POST", "/api/2.0/workspace/import", body)

    def _delete(self, place: str) -> None:
        try:
            self._rest.change("POST", "/api/2.0/workspace/delete", {"path": place})
        except NotFound:
            return


def _is_notebook(text: str) -> bool:
    return text.split("\n", 1)[0].rstrip("\r") in _HEADERS


def _suffix(one: Mapping[str, Any]) -> str:
    """What the workspace has taken from a notebook's name."""
    if one["object_type"] != "NOTEBOOK":
        return ""
    language = one.get("language")
    return next(
        (suffix for suffix, known in _SUFFIXES.items() if known == language), ""
    )


def _stamp(one: Mapping[str, Any]) -> list[Any]:
    return [one.get("object_id"), one.get("modified_at")]
