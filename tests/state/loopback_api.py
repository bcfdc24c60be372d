"""The REST API of the stand-in, with the errors that the real client raises."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from mdf_magics.deploying.workspaces.protocol import (
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Refused,
    WorkspaceError,
)
from tests.workspace import WorkspaceServer


class LoopbackApi:
    """Sends each request once."""

    def __init__(self, server: WorkspaceServer) -> None:
        self._server = server

    def read(self, path: str) -> Mapping[str, Any]:
        return self._send("GET", path, None)

    def once(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._send("POST", path, body)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        request = urllib.request.Request(
            self._server.host + path,
            json.dumps(body).encode() if body is not None else None,
            {"Authorization": f"Bearer {self._server.token}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                answer: dict[str, Any] = json.load(reply)
                return answer
        except urllib.error.HTTPError as error:
            raise _meaning(error.code, json.load(error)["message"]) from error
        except (OSError, http.client.HTTPException) as error:
            raise OutcomeUnknown(f"the connection broke: {error}") from error


def _meaning(status: int, message: str) -> WorkspaceError:
    kinds = {403: PermissionDenied, 404: NotFound, 503: OutcomeUnknown}
    return kinds.get(status, Refused)(message)
