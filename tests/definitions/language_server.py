"""Speaks with yaml-language-server, the server of VS Code's YAML extension."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class LanguageServer:
    """A running server, asked about files of one workspace."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path) -> None:
        self.process = process
        self.root = root
        self.settings = json.loads((root / ".vscode/settings.json").read_text())
        self._last = 0
        self._configured = False
        folder = {"uri": root.as_uri(), "name": root.name}
        capabilities = {
            "workspace": {"configuration": True, "workspaceFolders": True},
            "textDocument": {"completion": {}, "hover": {}, "publishDiagnostics": {}},
        }
        self._ask(
            "initialize",
            {
                "processId": None,
                "rootUri": root.as_uri(),
                "workspaceFolders": [folder],
                "capabilities": capabilities,
            },
        )
        self._send({"method": "initialized", "params": {}})
        while not self._configured:
            self._receive()

    def problems(self, name: str, text: str) -> list[str]:
        """What the server finds wrong with a file: line and message."""
        self._open(name, text)
        while True:
            message = self._receive()
            if message.get("method") == "textDocument/publishDiagnostics" and message[
                "params"
            ]["uri"] == self._uri(name):
                return [
                    f"{one['range']['start']['line'] + 1}: {one['message']}"
                    for one in message["params"]["diagnostics"]
                ]

    def completions(self, name: str, text: str) -> list[str]:
        """What may be written at the `|` in the text."""
        where = self._open(name, text)
        found = self._ask("textDocument/completion", where)
        return sorted(one["label"] for one in found["items"])

    def hover(self, name: str, text: str) -> str:
        """What is shown for the word at the `|` in the text."""
        found = self._ask("textDocument/hover", self._open(name, text))
        return found["contents"]["value"] if found else ""

    def _open(self, name: str, text: str) -> dict[str, Any]:
        before, _, after = text.partition("|")
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + after)
        document = {
            "uri": self._uri(name),
            "languageId": "yaml",
            "version": 1,
            "text": before + after,
        }
        self._send(
            {"method": "textDocument/didOpen", "params": {"textDocument": document}}
        )
        line, column = before.count("\n"), len(before.rpartition("\n")[2])
        return {
            "textDocument": {"uri": self._uri(name)},
            "position": {"line": line, "character": column},
        }

    def _uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._last and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; requests of the server are answered on the way."""
        assert self.process.stdout
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if "id" in message and "method" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        return message

    def _answer(self, request: dict[str, Any]) -> Any:
        if request["method"] != "workspace/configuration":
            return None
        self._configured = True
        sections = [one.get("section") for one in request["params"]["items"]]
        given = {
            "yaml": {
                "schemas": self.settings["yaml.schemas"],
                "schemaStore": {"enable": False},
                "completion": True,
                "hover": True,
                "validate": True,
            }
        }
        return [given.get(section, {}) for section in sections]


@contextmanager
def language_server(command: str, root: Path) -> Iterator[LanguageServer]:
    """Start a server for the workspace `root`."""
    process = subprocess.Popen(
        [command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield LanguageServer(process, root)
    finally:
        process.kill()
        process.communicate()
