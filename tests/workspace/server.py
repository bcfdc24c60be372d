"""The server: who may ask, what goes wrong, who answers, and a log of it all."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, override
from urllib.parse import parse_qs, urlsplit

from mdf_magics.engines.protocol import Engine
from tests.workspace.cloud import Cloud, Request, Route, User
from tests.workspace.errors import ApiError
from tests.workspace.faults import CODES, Call, Effect, Fault, Faults
from tests.workspace.files import Files
from tests.workspace.jobs import Jobs
from tests.workspace.people import People
from tests.workspace.pipelines import Pipelines
from tests.workspace.runs import Runs
from tests.workspace.statements import Statements

TOKEN = "dapi-of-the-stand-in"
USER = "me@example.com"


class WorkspaceServer:
    """A workspace on a port of this machine, until the `with` block ends."""

    def __init__(
        self,
        *,
        latency: float = 0.0,
        port: int = 0,
        engine: Callable[[], Engine] | None = None,
        catalog: str = "main",
    ) -> None:
        """Prepare it.

        Args:
            latency: Seconds that every reply takes longer.
            port: Where to listen; 0: any free one.
            engine: Gives the engine that SQL warehouses are made of; None: there is
                no warehouse.
            catalog: The catalog that the warehouses know.
        """
        self.latency = latency
        self.cloud = Cloud(users={TOKEN: User(USER)})
        self.token = TOKEN
        self.jobs = Jobs(self.cloud)
        self.pipelines = Pipelines(self.cloud)
        self.runs = Runs(self.cloud, self.jobs, self.pipelines, lambda: self.host)
        self.files = Files(self.cloud)
        self.people = People(self.cloud, self._owner)
        self.statements = Statements(engine, catalog)
        self.faults = Faults()
        self.calls: list[Call] = []
        self.metadata: dict[str, str] | None = None
        """What `/.well-known/databricks-config` says; None: it isn't there."""
        self.routes: list[Route] = [
            *self.jobs.routes,
            *self.runs.routes,
            *self.pipelines.routes,
            *self.files.routes,
            *self.people.routes,
            *self.statements.routes,
            *_control_routes(self),
        ]
        self.files.add_home(USER)
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.workspace = self
        self._closing = threading.Event()

    @property
    def host(self) -> str:
        """`http://127.0.0.1:12345`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find it."""
        return {"DATABRICKS_HOST": self.host, "DATABRICKS_TOKEN": self.token}

    def add_user(self, name: str, token: str, *, expired: bool = False) -> None:
        """Somebody else with a token."""
        self.cloud.users[token] = User(name, expired)
        self.files.add_home(name)

    def fault(self, pattern: str, effect: Effect, **more: Any) -> Fault:
        """Order something that goes wrong; see Fault."""
        return self.faults.add(Fault(pattern, effect, **more))

    def lines(self, *, writes: bool = False) -> list[str]:
        """The requests so far, as `POST /api/2.2/jobs/create`.

        Args:
            writes: Only those that change something.
        """
        return [call.line for call in self.calls if not writes or call.method != "GET"]

    def count(self, line: str) -> int:
        """How many requests of this kind there were."""
        return self.lines().count(line)

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._http.serve_forever, args=(0.02,), daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def wait(self, seconds: float) -> None:
        """Let time pass, but not beyond the server's end."""
        self._closing.wait(seconds)

    def log(self, method: str, path: str, query: dict[str, str], text: str) -> Call:
        """Write a request down."""
        body: Any = text
        with contextlib.suppress(ValueError):
            body = json.loads(text) if text else None
        with self.cloud.lock:
            call = Call(len(self.calls) + 1, method, path, query, body)
            if not path.startswith("/control/"):
                self.calls.append(call)
        return call

    def answer(self, call: Call, token: str | None) -> Any:
        """What the API says to a request.

        Raises:
            ApiError: It says no.
        """
        if call.path == "/.well-known/databricks-config":
            if self.metadata is None:
                raise ApiError(404, "ENDPOINT_NOT_FOUND", "There is no such endpoint.")
            return self.metadata
        control = call.path.startswith("/control/")
        user = User("control") if control else self._user(token)
        for route in self.routes:
            args = route.match(call.method, call.path)
            if args is not None:
                body = call.body if call.body is not None else {}
                if not isinstance(body, dict):
                    raise ApiError(400, "MALFORMED_REQUEST", "The body is no object.")
                with self.cloud.lock:
                    reply = route.answer(Request(user, call.query, body, args))
                return reply() if callable(reply) else reply
        message = f"No API found for '{call.line}'."
        raise ApiError(404, "ENDPOINT_NOT_FOUND", message)

    def _user(self, token: str | None) -> User:
        if not token:
            message = (
                "Credential was not sent or was of an unsupported type for this API."
            )
            raise ApiError(401, "UNAUTHENTICATED", message)
        user = self.cloud.users.get(token)
        if user is None or user.expired:
            message = "Token is expired." if user else "Invalid access token."
            raise ApiError(403, "403", message)
        return user

    def _owner(self, kind: str, remote_id: str) -> str:
        if kind == "jobs":
            return self.jobs.find(int(remote_id), changing=True).creator
        return self.pipelines.find(remote_id).creator


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    workspace: WorkspaceServer

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def _serve(self) -> None:
        workspace = self.server.workspace
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length).decode()
        call = workspace.log(self.command, parts.path, query, text)
        if workspace.latency and not parts.path.startswith("/control/"):
            workspace.wait(workspace.latency)
        fault = workspace.faults.hit(call, text)
        if fault and fault.when == "before":
            self._go_wrong(fault, call)
            return
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            reply = workspace.answer(call, token if scheme == "Bearer" else None)
            status, headers = 200, {}
        except ApiError as error:
            reply, status, headers = error.body, error.status, error.headers
        if fault:
            self._go_wrong(fault, call)
            return
        self._reply(call, status, reply, headers)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _go_wrong(self, fault: Fault, call: Call) -> None:
        if fault.told:
            fault.told(call)
        if fault.effect == "kill" and fault.pid:
            os.kill(fault.pid, signal.SIGKILL)
        if fault.effect == "hang":
            self.server.workspace.wait(fault.seconds)
        if isinstance(fault.effect, int):
            message = fault.message or f"ordered to fail with {fault.effect}"
            code = fault.error_code or CODES.get(fault.effect, "UNKNOWN")
            headers = (
                {} if fault.retry_after is None
                else {"Retry-After": f"{fault.retry_after:g}"}
            )  # fmt: skip
            error = {"error_code": code, "message": message}
            self._reply(call, fault.effect, error, headers)
        elif fault.effect == "page":
            self._send(
                call, 200, b"<html><title>Sign in</title></html>", "text/html", {}
            )
        else:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _reply(
        self, call: Call, status: int, reply: Any, headers: dict[str, str]
    ) -> None:
        known = {"X-Databricks-Org-Id": self.server.workspace.cloud.workspace_id}
        content = json.dumps(reply).encode()
        self._send(call, status, content, "application/json", known | headers)

    def _send(
        self,
        call: Call,
        status: int,
        content: bytes,
        kind: str,
        headers: dict[str, str],
    ) -> None:
        call.status = status
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on standard error; `WorkspaceServer.calls` is the log."""


def _control_routes(workspace: WorkspaceServer) -> list[Route]:
    """What another process may ask of the stand-in itself; these need no token."""

    def calls(request: Request) -> Any:
        since = request.number("since", 0)
        return {"calls": [asdict(call) for call in workspace.calls[since:]]}

    def order(request: Request) -> Any:
        workspace.faults.add(Fault(**request.body))
        return {}

    def clear(_: Request) -> Any:
        workspace.faults.clear()
        return {}

    def settings(request: Request) -> Any:
        body = dict(request.body)
        workspace.latency = body.pop("latency", workspace.latency)
        for name, value in body.items():
            if not hasattr(workspace.cloud, name):
                raise ApiError(400, "INVALID_PARAMETER_VALUE", f"unknown: {name}")
            known = getattr(workspace.cloud, name)
            setattr(
                workspace.cloud, name, set(value) if isinstance(known, set) else value
            )
        return {}

    return [
        Route("GET", "/control/calls", calls),
        Route("POST", "/control/faults", order),
        Route("DELETE", "/control/faults", clear),
        Route("POST", "/control/settings", settings),
    ]
