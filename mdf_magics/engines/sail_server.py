"""The process of the embedded engine's server: Sail, on a port of its own.

`server_process` runs this file as a script. It prints the port and then waits for its
standard input to end. The other end of that pipe is held by the process that uses the
server and by nobody else, so the server ends with it, even when that one is killed.
"""

from __future__ import annotations

import os
import signal
import sys
import types

WITHOUT_WORKER = "--without-worker"


def main() -> None:
    """Serve until standard input ends."""
    # Ctrl-C is for the query, which its client cancels, not for the server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer = os.fdopen(os.dup(1), "w")
    # What Python functions print must not fill the pipe that nobody reads any more.
    os.dup2(2, 1)
    if WITHOUT_WORKER in sys.argv:
        _stand_in_for_pyspark()

    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    with answer:
        answer.write(f"{server.listening_address[1]}\n")
    sys.stdin.buffer.read()
    # An orderly end would wait for what still runs.
    os._exit(0)


def _stand_in_for_pyspark() -> None:
    """Tell Sail a version that it knows.

    It refuses every query when it finds a `pyspark` of a newer version, such as
    databricks-connect's 19. SQL needs nothing else of that package.
    """
    pyspark = types.ModuleType("pyspark")
    pyspark.__dict__["__version__"] = "4.1.1"
    sys.modules["pyspark"] = pyspark


if __name__ == "__main__":
    main()
