"""A Databricks workspace as databricks-connect sees it: TLS, a token, REST and gRPC.

Queries are really answered: each call is recorded, and passed on to a Sail server. What
a workspace may do wrong is played on request.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self, override
from urllib.parse import parse_qsl, urlsplit

import grpc

SERVICE = "/spark.connect.SparkConnectService/"
TOKEN = "dapi-of-the-stand-in"


@dataclass(frozen=True)
class Call:
    """One call of the client's."""

    method: str
    """`ExecutePlan`, or for REST `GET /api/2.0/...`."""
    headers: dict[str, str]
    request: Any
    """The protocol buffer, or the query of a REST call."""


type Fault = Callable[[Call, grpc.ServicerContext], None]


@dataclass
class Workspace:
    """What it is, what it was asked, and what goes wrong."""

    version: str = "99.9.x-scala2.13"
    """The Databricks Runtime of its serverless compute and of its cluster."""
    calls: list[Call] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)
    """What happens before a call of this gRPC method is passed on."""
    rest: dict[str, Any] = field(default_factory=dict)
    """Answers by path: JSON, or a number for an error's status."""
    host: str = ""

    def asked(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self.calls if call.method == method]


def fail(code: str, message: str, condition: str = "") -> Fault:
    """Let a call fail, always.

    Args:
        code: The gRPC status.
        message: What the server says.
        condition: Spark's error condition, sent as its server does.
    """

    def failing(call: Call, context: grpc.ServicerContext) -> None:
        abort(context, code, message, condition)

    return failing


def once(fault: Fault) -> Fault:
    """Let something go wrong the first time only."""
    left = iter([fault])

    def failing(call: Call, context: grpc.ServicerContext) -> None:
        for one in left:
            one(call, context)

    return failing


def abort(
    context: grpc.ServicerContext, code: str, message: str, condition: str = ""
) -> None:
    """End a call with an error as Spark's server sends it."""
    from google.protobuf import any_pb2
    from google.rpc import error_details_pb2, status_pb2

    status = grpc.StatusCode[code]
    if condition:
        info = error_details_pb2.ErrorInfo(
            reason="org.apache.spark.SparkException",
            domain="org.apache.spark",
            metadata={
                "errorClass": condition,
                "classes": '["org.apache.spark.SparkException"]',
            },
        )
        packed = any_pb2.Any()
        packed.Pack(info)
        rich = status_pb2.Status(
            code=status.value[0], message=message, details=[packed]
        )
        trailer = ("grpc-status-details-bin", rich.SerializeToString())
        context.set_trailing_metadata((trailer,))
    context.abort(status, message)


class StandIn:
    """The servers behind one port of this machine; a context manager."""

    def __init__(self, sail_port: int, certificate: Path) -> None:
        """Prepare it.

        Args:
            sail_port: Where queries are answered.
            certificate: PEM with key and certificate.
        """
        self.workspace = Workspace()
        self._upstream = grpc.insecure_channel(f"127.0.0.1:{sail_port}")
        self._pool = ThreadPoolExecutor(16)
        self._grpc = grpc.server(self._pool)
        self._grpc.add_generic_rpc_handlers([_Passing(self)])
        self._grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _rest_of(self))
        self._http.daemon_threads = True
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._tls.set_alpn_protocols(["h2", "http/1.1"])
        self._front = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Start the servers."""
        self._grpc.start()
        for target in (self._http.serve_forever, self._accept):
            threading.Thread(target=target, daemon=True).start()
        port = self._front.getsockname()[1]
        self.workspace.host = f"https://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        """End them, with every connection."""
        self.vanish()
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(None).wait()
        self._upstream.close()
        self._pool.shutdown(wait=False)

    def vanish(self) -> None:
        """Be gone in the middle of everything, as a machine that is switched off."""
        with suppress(OSError):
            self._front.shutdown(socket.SHUT_RDWR)
        self._front.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def record(self, call: Call) -> None:
        """Write a call down."""
        self.workspace.calls.append(call)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._front.accept()
                threading.Thread(
                    target=self._connect, args=(plain,), daemon=True
                ).start()

    def _connect(self, plain: socket.socket) -> None:
        """Let TLS's choice of protocol say which server a connection is for."""
        try:
            client = self._tls.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        http2 = client.selected_alpn_protocol() == "h2"
        port = self._grpc_port if http2 else self._http.server_address[1]
        server = socket.create_connection(("127.0.0.1", port))
        self._open += [client, server]
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=_pour, args=(one, other), daemon=True).start()

    def upstream(self, method: str, *, stream: bool, many: bool) -> Any:
        """The real server's method, over bytes."""
        kind = "stream_unary" if many else "unary_stream" if stream else "unary_unary"
        return getattr(self._upstream, kind)(method)


def _pour(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while data := one.recv(65536):
            other.sendall(data)
    for each in (one, other):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class _Passing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Records each call, plays faults, and passes on what is left."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    @override
    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method
        method = path.removeprefix(SERVICE)
        many = method == "AddArtifacts"
        stream = method in ("ExecutePlan", "ReattachExecute")
        send = self._stand_in.upstream(path, stream=stream, many=many)

        def ask(request: Any, context: grpc.ServicerContext) -> Any:
            self._check(method, request, context)
            try:
                return self._changed(method, send(request))
            except grpc.RpcError as error:
                _pass_on(error, context)

        def ask_stream(request: Any, context: grpc.ServicerContext) -> Iterator[bytes]:
            self._check(method, request, context)
            replies = send(request)
            context.add_callback(replies.cancel)
            try:
                yield from replies
            except grpc.RpcError as error:
                _pass_on(error, context)

        if many:
            return grpc.stream_unary_rpc_method_handler(ask)
        if stream:
            return grpc.unary_stream_rpc_method_handler(ask_stream)
        return grpc.unary_unary_rpc_method_handler(ask)

    def _check(self, method: str, request: Any, context: grpc.ServicerContext) -> None:
        from pyspark.sql.connect.proto import base_pb2

        headers = {name: str(value) for name, value in context.invocation_metadata()}
        message = None
        if isinstance(request, bytes):
            message = getattr(base_pb2, f"{method}Request").FromString(request)
        call = Call(method, headers, message)
        self._stand_in.record(call)
        if headers.get("authorization") != f"Bearer {TOKEN}":
            abort(context, "UNAUTHENTICATED", "Invalid access token.")
        if fault := self._stand_in.workspace.faults.get(method):
            fault(call, context)

    def _changed(self, method: str, reply: Any) -> Any:
        """The reply, with the version of the runtime that Databricks adds."""
        from pyspark.sql.connect.proto import base_pb2

        if method == "AnalyzePlan":
            message = base_pb2.AnalyzePlanResponse.FromString(reply)
            if message.HasField("spark_version"):
                message.spark_version.dbr_version = self._stand_in.workspace.version
                return message.SerializeToString()
        return reply


def _pass_on(error: Any, context: grpc.ServicerContext) -> None:
    context.set_trailing_metadata(error.trailing_metadata() or ())
    context.abort(error.code(), error.details())


def _rest_of(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Rest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = dict(parse_qsl(url.query))
            headers = {name.lower(): value for name, value in self.headers.items()}
            stand_in.record(Call(f"GET {url.path}", headers, query))
            answer = stand_in.workspace.rest.get(url.path, 404)
            answer = answer(query) if callable(answer) else answer
            if headers.get("authorization") != f"Bearer {TOKEN}":
                answer = 401
            status = answer if isinstance(answer, int) else 200
            errors = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
            body = answer
            if status != 200:
                code = errors.get(status, "RESOURCE_DOES_NOT_EXIST")
                body = {"error_code": code, "message": f"no ({status})"}
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        @override
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Rest


def make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key: one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(pem)
    )
    return file
