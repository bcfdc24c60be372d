"""The embedded engine's server as a child process: start it, watch it, end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from mdf_magics.engines import sail_server
from mdf_magics.engines.worker import worker_folder, worker_is_installed
from mdf_magics.errors import EngineUnavailable, Problem

_FOREVER = 100 * 365 * 24 * 3600
"""Seconds. Sail forgets a session, and every table in it, after 900 idle ones."""

_SECONDS_TO_END = 3


class ServerProcess:
    """A Sail server on 127.0.0.1 that lives at most as long as this process.

    It is a session of its own (`start_new_session`): Jupyter interrupts and kills a
    kernel's whole process group. PR_SET_PDEATHSIG would be wrong here: it fires when
    the thread ends that started the process, and that may be the warm-up.
    """

    def __init__(self, catalog: str) -> None:
        """Start the server and wait until it listens, about 0.1 s.

        Args:
            catalog: The name of its only catalog, which is in memory.

        Raises:
            EngineUnavailable: It ended instead.
        """
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server
        command = [sys.executable, "-P", sail_server.__file__]
        if not worker_is_installed():
            command.append(sail_server.WITHOUT_WORKER)
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(catalog),
            start_new_session=True,
        )
        try:
            self.port = self._read_port()
        except BaseException:
            self.end()
            raise

    def died(self, within: float = 0) -> bool:
        """Whether the server has ended, or does so within that many seconds."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def failure(self, what: str, hint: str = "") -> EngineUnavailable:
        """Why there is no server. Only for one that has ended."""
        code = self._process.wait(_SECONDS_TO_END)
        why = signal.strsignal(-code) if code < 0 else self._last_words()
        message = f"the embedded engine's server {what}{f' ({why})' if why else ''}"
        return EngineUnavailable(Problem("engine-unavailable", message, hint))

    def end(self) -> None:
        """End the server, if need be by force."""
        self._let_go()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def disown(self) -> None:
        """In a forked process: leave the server to the parent, and to it alone."""
        self._let_go()
        self._process.returncode = 0  # so that nobody waits for a child that isn't ours

    def _read_port(self) -> int:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        with self._process.stdout as answer:
            line = answer.readline()
        if not line:
            raise self.failure("did not start")
        return int(line)

    def _let_go(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                pipe.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def _environment(catalog: str) -> dict[str, str]:
    """What the server finds where: its catalog, and the modules that this process has.

    Functions on rows may use any module that the kernel can import, so the server gets
    the same search path. Only `pyspark` comes from elsewhere.
    """
    name = json.dumps(catalog)
    paths = [entry or str(Path.cwd()) for entry in sys.path]
    return {
        "RUST_LOG": "error",
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(worker_folder()), *paths]),
        "SAIL_CATALOG__LIST": (
            f'[{{name={name}, type="memory", initial_database=["default"]}}]'
        ),
        "SAIL_CATALOG__DEFAULT_CATALOG": name,
        "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(_FOREVER),
    }
