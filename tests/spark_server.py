"""Open-source Spark with its Connect server, for tests of the engine `spark`."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import IO


class SparkServer:
    """A server on a port of this machine; takes 20 to 40 s to start."""

    def __init__(self, spark_submit: str, folder: Path) -> None:
        """Start it and wait until it listens.

        Args:
            spark_submit: The command, inside the environment that has pyspark.
            folder: For its warehouse and its log.
        """
        self.port = _free_port()
        self._log: IO[bytes] = (folder / "log.txt").open("wb")
        settings = {
            "spark.connect.grpc.binding.port": self.port,
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": 1,
            "spark.sql.warehouse.dir": folder / "warehouse",
            "spark.ui.enabled": "false",
        }
        options = [
            word
            for name, value in settings.items()
            for word in ("--conf", f"{name}={value}")
        ]
        server = "org.apache.spark.sql.connect.service.SparkConnectServer"
        bin_folder = Path(spark_submit).parent
        self._process = subprocess.Popen(
            [
                spark_submit,
                *("--class", server, "--master", "local[2]"),
                *("--driver-memory", "1g", *options, "spark-internal"),
            ],
            cwd=folder,
            env={
                **os.environ,
                "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
                "PYSPARK_PYTHON": str(bin_folder / "python"),
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.5)
        log = (folder / "log.txt").read_text(errors="replace")
        self.end()
        raise RuntimeError(log[-3000:])

    @property
    def remote(self) -> str:
        """Its address for a target."""
        return f"sc://127.0.0.1:{self.port}"

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
