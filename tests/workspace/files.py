"""Workspace files: folders must be there first, notebooks lose their suffix."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from databricks.sdk.service import workspace as sdk

from tests.workspace.cloud import Cloud, Request, Route, millis
from tests.workspace.errors import ApiError, bad, forbidden, missing
from tests.workspace.fields import check_body

_MOST_BYTES = 10 * 1024 * 1024

_HEADERS = {
    ".py": ("# Databricks notebook source", "PYTHON"),
    ".sql": ("-- Databricks notebook source", "SQL"),
    ".scala": ("// Databricks notebook source", "SCALA"),
    ".r": ("# Databricks notebook source", "R"),
}


@dataclass
class Item:
    """A folder, a file or a notebook."""

    path: str
    object_type: str
    object_id: int
    content: bytes = b""
    language: str | None = None
    created: float = 0.0
    modified: float = 0.0

    def shown(self, prefix: str) -> dict[str, Any]:
        """The item as the API shows it; a folder has no times."""
        known: dict[str, Any] = {
            "path": prefix + self.path,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "resource_id": str(self.object_id),
        }
        if self.language:
            known["language"] = self.language
        if self.object_type != "DIRECTORY":
            known["created_at"] = millis(self.created)
            known["modified_at"] = millis(self.modified)
        if self.object_type == "FILE":
            known["size"] = len(self.content)
        return known


class Files:
    """The folders and files of a workspace."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.items: dict[str, Item] = {}
        self.read_only: set[str] = set()
        """Folders that nobody may write below."""
        for folder in ("/", "/Users", "/Shared"):
            self._make_folder(folder)
        self.routes = [
            Route("POST", r"/api/2\.0/workspace/import", self._import),
            Route("GET", r"/api/2\.0/workspace/export", self._export),
            Route("GET", r"/api/2\.0/workspace/get-status", self._status),
            Route("GET", r"/api/2\.0/workspace/list", self._list),
            Route("POST", r"/api/2\.0/workspace/mkdirs", self._mkdirs),
            Route("POST", r"/api/2\.0/workspace/delete", self._delete),
        ]

    def add_home(self, user: str) -> None:
        """A user's own folder."""
        self._make_folder(f"/Users/{user}")

    def text(self, path: str) -> str:
        """What a file holds."""
        return self.items[_place(path)[1]].content.decode()

    def edit(self, path: str, text: str) -> None:
        """Somebody changes a file by hand."""
        item = self.items[_place(path)[1]]
        item.content = text.encode()
        item.modified = max(self._cloud.now(), item.modified + 0.001)

    def _import(self, request: Request) -> Any:
        body = request.body
        check_body(sdk.WorkspaceAPI.import_, body)
        _, path = _place(body.get("path", ""))
        try:
            content = base64.b64decode(body.get("content", ""), validate=True)
        except binascii.Error:
            raise bad("content is not base64") from None
        if len(content) > _MOST_BYTES:
            message = f"The content exceeds {_MOST_BYTES} bytes."
            raise ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", message)
        path, object_type, language = _kind(path, content, body)
        self._check_writable(path)
        parent = str(PurePosixPath(path).parent)
        if parent not in self.items:
            raise missing(f"The parent folder ({parent}) does not exist.")
        known = self.items.get(path)
        if known and known.object_type != object_type:
            message = f"{path} is a {known.object_type} and not a {object_type}."
            raise ApiError(400, "INVALID_PARAMETER_VALUE", message)
        if known and not body.get("overwrite"):
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"{path} already exists.")
        now = self._cloud.now()
        made = Item(
            path, object_type, self._cloud.new_id(), language=language, created=now
        )
        item = known or made
        item.content, item.language = content, language
        item.modified = max(now, item.modified + 0.001)
        self.items[path] = item
        return {}

    def _export(self, request: Request) -> Any:
        _, path = _place(request.query.get("path", ""))
        item = self._find(path)
        if item.object_type == "DIRECTORY":
            raise bad("Directories can only be exported as DBC here.")
        content = base64.b64encode(item.content).decode()
        return {"content": content, "file_type": PurePosixPath(path).suffix.lstrip(".")}

    def _status(self, request: Request) -> Any:
        prefix, path = _place(request.query.get("path", ""))
        return self._find(path).shown(prefix)

    def _list(self, request: Request) -> Any:
        prefix, path = _place(request.query.get("path", ""))
        item = self._find(path)
        if item.object_type != "DIRECTORY":
            return {"objects": [item.shown(prefix)]}
        inside = [
            one.shown(prefix)
            for one in self.items.values()
            if one is not item and str(PurePosixPath(one.path).parent) == path
        ]
        return {"objects": inside} if inside else {}

    def _mkdirs(self, request: Request) -> Any:
        check_body(sdk.WorkspaceAPI.mkdirs, request.body)
        _, path = _place(request.body.get("path", ""))
        self._check_writable(path)
        for folder in [*map(str, reversed(PurePosixPath(path).parents)), path]:
            known = self.items.get(folder)
            if known is None:
                self._make_folder(folder)
            elif known.object_type != "DIRECTORY":
                message = f"{folder} is a {known.object_type}."
                raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)
        return {}

    def _delete(self, request: Request) -> Any:
        check_body(sdk.WorkspaceAPI.delete, request.body)
        _, path = _place(request.body.get("path", ""))
        self._check_writable(path)
        self._find(path)
        below = [one for one in self.items if one.startswith(f"{path}/")]
        if below and not request.body.get("recursive"):
            raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder ({path}) is not empty.")
        for one in (path, *below):
            del self.items[one]
        return {}

    def _find(self, path: str) -> Item:
        if path not in self.items:
            raise missing(f"Path ({path}) doesn't exist.")
        return self.items[path]

    def _make_folder(self, path: str) -> None:
        self.items[path] = Item(path, "DIRECTORY", self._cloud.new_id())

    def _check_writable(self, path: str) -> None:
        for folder in self.read_only:
            if path == folder or path.startswith(f"{folder}/"):
                raise forbidden(f"You have no permission to write in {folder}.")


def _place(path: str) -> tuple[str, str]:
    """The mount that a path is written with, and the path without it."""
    if not path.startswith("/"):
        raise bad(f"Path ({path}) must be absolute.")
    prefix = (
        "/Workspace" if path == "/Workspace" or path.startswith("/Workspace/") else ""
    )
    plain = PurePosixPath(path.removeprefix(prefix) or "/")
    if ".." in plain.parts:
        raise bad(f"Path ({path}) must not contain `..`.")
    return prefix, str(plain)


def _kind(
    path: str, content: bytes, body: dict[str, Any]
) -> tuple[str, str, str | None]:
    """Where an import goes, as what, and in which language."""
    suffix = PurePosixPath(path).suffix
    if body.get("format", "SOURCE") == "SOURCE":
        language = body.get("language")
        if not language:
            raise bad("language is required for the format SOURCE")
        return path, "NOTEBOOK", language
    if body["format"] != "AUTO":
        raise bad(f"the format {body['format']} isn't known here")
    header, language = _HEADERS.get(suffix.lower(), ("", ""))
    if header and content.decode("utf-8", "replace").splitlines()[:1] == [header]:
        return path.removesuffix(suffix), "NOTEBOOK", language
    if suffix == ".ipynb":
        return path.removesuffix(suffix), "NOTEBOOK", "PYTHON"
    return path, "FILE", None
