"""Connections to servers elsewhere: how long one waits, and what their errors mean."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from mdf_magics.engines.client import abandon_session
from mdf_magics.errors import EngineError, EngineUnavailable, Problem, SessionExpired

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SECONDS_TO_CONNECT = 8
"""For one attempt, until a server that doesn't answer counts as not there."""

CHANNEL_OPTIONS = [("grpc.min_reconnect_backoff_ms", SECONDS_TO_CONNECT * 1000)]
"""gRPC would wait 20 s for an answer to a first packet that a firewall swallows."""

_CLOSED = "NO_ACTIVE_SESSION"

_EXPIRED = (
    "INVALID_HANDLE.SESSION_",  # CLOSED, CHANGED, NOT_FOUND
    _CLOSED,
    "server side session identifier",
    "SESSION_CLOSED",
)


def open_session(channel: Any) -> SparkSession:
    """A session on a channel builder's server; nothing is sent yet.

    Args:
        channel: A `ChannelBuilder` of pyspark's.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    # Both are told by an error that says more.
    warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]")
    warnings.filterwarnings("ignore", "Spark Connect Session expired")
    session = ConnectSession.builder.channelBuilder(channel).create()
    # 8 s altogether for a server that isn't available; by default it is 10 minutes.
    patience = DefaultPolicy(max_retries=5, initial_backoff=100, max_backoff=3000)
    session.client.set_retry_policies([patience])
    return cast("SparkSession", session)


class RemoteConnection:
    """A session with a server that others run."""

    def __init__(self, session: SparkSession, where: str, unavailable: str) -> None:
        """Take over a session.

        Args:
            session: The session; it ends with the connection.
            where: What the server is called in messages.
            unavailable: What to do when it doesn't answer.
        """
        self.session = session
        self._where = where
        self._unavailable = unavailable
        self._expired = False

    def lost(self) -> bool:
        """Whether the server has forgotten the session."""
        return self._expired or bool(self.session.client.is_closed)

    def explain(self, error: BaseException) -> EngineError | None:
        """What an error means that is about the connection; None: it isn't."""
        if is_expired(error):
            # What an earlier session made says no more than that its client is closed.
            self._expired = self._expired or _CLOSED not in _told(error)
            return expired()
        failure = _rpc_failure(error)
        return failure and self._unreachable(*failure)

    def end(self) -> None:
        """End the session on the server too; never complains, and waits for nobody."""
        with suppress(Exception):
            self.session.client.set_retry_policies([])
            self.session.stop()

    def leave(self) -> None:
        """At the interpreter's end: the server forgets the session by itself."""
        abandon_session(self.session)

    def disown(self) -> None:
        """In a forked process: the session is the parent's."""
        abandon_session(self.session)

    def _unreachable(self, code: str, details: str) -> EngineError | None:
        reason = reason_of(details)
        match code:
            case "UNAVAILABLE" | "DEADLINE_EXCEEDED":
                message = f"{self._where} can't be reached: {reason}"
                hint = tls_hint(details) or self._unavailable
                return EngineUnavailable(Problem("engine-unavailable", message, hint))
            case "UNAUTHENTICATED":
                message = f"{self._where} refuses the login: {reason}"
                hint = "Is the token right, and not expired?"
                return EngineUnavailable(Problem("not-authenticated", message, hint))
            case "UNIMPLEMENTED":
                message = f"{self._where} is no Spark Connect server: {reason}"
                hint = "Are host and port right?"
                return EngineUnavailable(Problem("engine-unavailable", message, hint))
            case _:
                return None


def is_expired(error: BaseException) -> bool:
    """Whether a server says that it doesn't know the session any more."""
    return any(mark in _told(error) for mark in _EXPIRED)


def _told(error: BaseException) -> str:
    condition = getattr(error, "getCondition", lambda: None)()
    return f"{condition} {error}"


def expired() -> SessionExpired:
    """The session is gone; who only reads does it once more."""
    message = "the session with the server has expired"
    hint = "Run it again: a new session is made. Temporary views are gone."
    return SessionExpired(Problem("session-expired", message, hint))


def reason_of(details: str) -> str:
    """What gRPC says in the end, without what leads up to it."""
    reason = details.rpartition("last error: ")[2]
    reason = reason.removeprefix("UNKNOWN: ").removeprefix("UNAVAILABLE: ")
    return " ".join(reason.split())[:200].rstrip(".") or "it doesn't answer"


def tls_hint(details: str) -> str:
    """What to do where the two sides don't agree on encryption."""
    if "CERTIFICATE_VERIFY_FAILED" in details:
        return (
            "Its certificate isn't known here: put the authority's into a file that "
            "the variable GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names."
        )
    if "WRONG_VERSION_NUMBER" in details or "Ssl handshake" in details:
        return "The server doesn't speak TLS: leave  use_ssl=true  out."
    return ""


def _rpc_failure(error: BaseException) -> tuple[str, str] | None:
    """The status and details of the failed call behind an error of pyspark's."""
    for one in _causes(error):
        code, details = getattr(one, "code", None), getattr(one, "details", None)
        if callable(code) and callable(details):
            return code().name, str(details() or "")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
