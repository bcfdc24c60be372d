"""Calls to a workspace's REST API: their pace, their repetition, their errors.

databricks-sdk logs in and sends; its own repetition is switched off. It would send a
create again whose reply was lost, and so make a second job.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mdf_magics.deploying.workspaces.login import not_accepted
from mdf_magics.deploying.workspaces.pace import Pace
from mdf_magics.deploying.workspaces.protocol import (
    NameTaken,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Refused,
    TooManyCalls,
    WorkspaceError,
)
from mdf_magics.deploying.workspaces.reaching import no_workspace

if TYPE_CHECKING:
    from databricks.sdk.config import Config
    from databricks.sdk.core import ApiClient
    from databricks.sdk.errors.base import DatabricksError

CALL_SECONDS = 30.0
"""How long a reply is waited for."""

PATIENCE_SECONDS = 120.0
"""How long a call that may be made again is tried, while nothing goes well."""

LOGIN_SECONDS = 4.0
"""How long a workspace may take to say who is asking."""

_LONGEST_PAUSE = 20.0
_MISSING = re.compile(r"\b(Job|Run) \d+ does not exist")  # with 400, not 404
_ME = "/api/2.0/preview/scim/v2/Me"
_ORG = "X-Databricks-Org-Id"


class Rest:
    """A workspace's API; many threads use one."""

    def __init__(
        self,
        config: Config,
        *,
        pace: Pace,
        call_seconds: float = CALL_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Bind it to a login.

        Args:
            config: From `log_in`.
            pace: How fast calls may follow one another.
            call_seconds: How long a reply is waited for.
            patience_seconds: How long a call is tried again.
            sleep: Waits.
        """
        from databricks.sdk.core import ApiClient

        self.host = str(config.host)
        self.fence: Callable[[], None] = lambda: None
        """Called right before each request that changes something, after every wait:
        it may raise, and then nothing is sent."""
        self.config = config
        self._probe = ApiClient(config)
        config.http_timeout_seconds = call_seconds  # read when a client is made
        self._client = ApiClient(config)
        self._pace = pace
        self._patience = patience_seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._failing_since: float | None = None

    def who(self) -> tuple[str, str]:
        """The first call: whether the workspace is there and takes the login.

        Returns:
            Who we are there, and the workspace's id.

        Raises:
            NotLoggedIn: It isn't there, or it doesn't take the login.
        """
        from databricks.sdk.errors import PermissionDenied as Denied
        from databricks.sdk.errors import Unauthenticated

        until = time.monotonic() + LOGIN_SECONDS
        while True:
            try:
                reply = _send(self._probe, "GET", _ME, None, None, [_ORG])
            except (Unauthenticated, Denied) as error:
                raise not_accepted(self.config, str(error)) from error
            except Exception as error:
                if time.monotonic() + 1 > until or not _is_passing(error):
                    raise self._unreachable(error) from error
                self._sleep(1.0)
            else:
                return str(reply.get("userName", "")), str(reply.get(_ORG) or "")

    def read(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read something, again until it is answered. Raises WorkspaceError."""
        return self._repeat("GET", path, query, None)

    def pages(
        self, path: str, query: Mapping[str, Any], field: str
    ) -> list[dict[str, Any]]:
        """All rows of a listing. Raises WorkspaceError."""
        rows: list[dict[str, Any]] = []
        asked = dict(query)
        while True:
            reply = self.read(path, asked)
            rows += reply.get(field) or []
            token = reply.get("next_page_token")
            if not token:
                return rows
            asked["page_token"] = token

    def change(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Change something where twice is the same as once. Raises WorkspaceError."""
        return self._repeat(method, path, query, body)

    def once(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make something: exactly one POST, whatever comes of it.

        Raises:
            OutcomeUnknown: It may have been made.
            WorkspaceError: It was not.
        """
        try:
            return self._attempt("POST", path, None, body)
        except Exception as error:
            raise self._meaning(error, changes=True) from error

    def _repeat(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        began, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                return self._attempt(method, path, query, body)
            except Exception as error:
                if not _is_passing(error) or self._is_hopeless(began):
                    raise self._meaning(error, changes=method != "GET") from error
            pause = min(_LONGEST_PAUSE, 0.5 * 2**attempt)
            self._sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only a jitter

    def _attempt(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        self._pace.wait()
        if method != "GET":
            self.fence()
        try:
            reply = _send(self._client, method, path, query, body)
        except Exception as error:
            if _is_too_fast(error):
                asked = getattr(error, "retry_after_secs", None)
                self._pace.too_fast(1.0 if asked is None else float(asked))
            elif not _is_passing(error):
                self._went_well()
            raise
        self._went_well()
        return reply

    def _went_well(self) -> None:
        self._pace.went_well()
        with self._lock:
            self._failing_since = None

    def _is_hopeless(self, began: float) -> bool:
        """Whether it has been tried long enough, by this call or by all together."""
        now = time.monotonic()
        with self._lock:
            self._failing_since = self._failing_since or now
            return now - min(began, self._failing_since) > self._patience

    def _unreachable(self, error: Exception) -> WorkspaceError:
        from databricks.sdk.errors.base import DatabricksError

        if isinstance(error, DatabricksError):
            if _is_passing(error):
                message = f"{self.host} isn't available now: {error}".rstrip(".")
                return WorkspaceError(message, "Try again later.")
            return no_workspace(self.host, ValueError(str(error)))
        return no_workspace(self.host, error)

    def _meaning(self, error: Exception, *, changes: bool) -> Exception:
        """What an exception of databricks-sdk means; others are returned as is."""
        import requests
        from databricks.sdk.errors.base import DatabricksError

        if isinstance(error, DatabricksError):
            return self._said_no(error, changes=changes)
        if not isinstance(error, requests.RequestException):
            return error
        late = isinstance(error, requests.Timeout)
        why = "no answer in time" if late else "the connection broke"
        lost = OutcomeUnknown if changes else WorkspaceError
        return lost(f"{self.host}: {why}", "Try again.")

    def _said_no(self, error: DatabricksError, *, changes: bool) -> WorkspaceError:
        from databricks.sdk import errors

        text = str(error).split(" Config: host=")[0].strip().rstrip(".")
        if isinstance(error, errors.Unauthenticated) or "Invalid access token" in text:
            return not_accepted(self.config, text)
        if isinstance(error, errors.NotFound) or _MISSING.search(text):
            return NotFound(text)
        if isinstance(error, errors.PermissionDenied):
            return PermissionDenied(text, "Ask for the permission to manage it.")
        if "already used by another pipeline" in text:
            return NameTaken(text, "Rename or delete the other one, or adopt it.")
        if not _is_passing(error):
            return Refused(text)
        if not changes:
            return WorkspaceError(f"the workspace answers: {text}", "Try again later.")
        lost = TooManyCalls if _is_too_fast(error) else OutcomeUnknown
        return lost(f"the workspace answers: {text}", "Try again later.")


def _send(
    client: ApiClient,
    method: str,
    path: str,
    query: Mapping[str, Any] | None,
    body: Mapping[str, Any] | None,
    headers: list[str] | None = None,
) -> dict[str, Any]:
    """Send one request, once.

    Raises:
        Exception: What databricks-sdk or requests make of the reply.
    """
    from mdf_magics.deploying.workspaces.checked_config import SentAgain

    try:
        reply = client.do(
            method,
            path,
            query=dict(query or {}),
            body=dict(body) if body is not None else None,
            headers={"Accept": "application/json"},
            response_headers=headers,
        )
    except SentAgain as stopped:
        raise (stopped.__context__ or stopped) from None
    return reply if isinstance(reply, dict) else {}


def _is_too_fast(error: Exception) -> bool:
    from databricks.sdk.errors import TooManyRequests

    return isinstance(error, TooManyRequests) or (
        getattr(error, "retry_after_secs", None) is not None
    )


def _is_passing(error: Exception) -> bool:
    """Whether trying again may help: no answer, or one that says so."""
    import requests
    from databricks.sdk import errors

    if isinstance(error, requests.RequestException):
        broken = (requests.exceptions.SSLError, requests.exceptions.InvalidURL)
        return not isinstance(error, (*broken, requests.exceptions.JSONDecodeError))
    passing = (
        errors.InternalError,
        errors.TemporarilyUnavailable,
        errors.DeadlineExceeded,
        errors.TooManyRequests,
        errors.Aborted,
    )
    return isinstance(error, passing) or _is_too_fast(error)
