"""The server lives as long as its kernel, and no longer."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from mdf_magics.errors import EngineError, EngineUnavailable

START = (
    "import os, sys, threading\n"
    "from pathlib import Path\n"
    "from mdf_magics.engines import connect\n"
    "from mdf_magics.definitions.models import Target\n"
    "engine = connect(Target(engine='embedded', catalog='main'), warehouse=Path('warehouse'))\n"
)
PORT = "print(engine._connection.server.port, flush=True)\n"


def ends(port: int, within: float = 10) -> bool:
    """Whether nobody listens on the port any more, soon."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return True
        time.sleep(0.02)
    return False


def listens(port: int) -> bool:
    return not ends(port, within=0.1)


def test_a_killed_kernel_leaves_no_server(start_python):
    kernel = start_python(f"{START}engine.session\n{PORT}sys.stdin.read()\n")
    port = int(kernel.stdout.readline())
    assert listens(port)
    kernel.kill()
    assert ends(port)


def test_a_kernel_that_ends_by_itself_leaves_no_server_and_says_nothing(start_python):
    kernel = start_python(f"{START}engine.preview('SELECT 1', 1)\n{PORT}")
    output, errors = kernel.communicate()
    assert (errors, kernel.returncode) == ("", 0)
    assert ends(int(output))


def test_a_kernel_may_end_while_the_engine_warms_up(start_python):
    kernel = start_python(f"{START}engine.warm_up()\n")
    assert (*kernel.communicate(), kernel.returncode) == ("", "", 0)


def test_a_proxy_is_not_asked_for_this_machine(start_python):
    proxy = "http://127.0.0.1:9"
    kernel = start_python(
        f"{START}print(engine.preview('SELECT 1', 1).rows)",
        http_proxy=proxy,
        https_proxy=proxy,
    )
    assert kernel.communicate() == ("((1,),)\n", "")


def test_a_forked_process_has_a_server_of_its_own(start_python):
    """And the parent's ends with the parent, though the child holds copies of its pipes."""
    kernel = start_python(
        f"{START}"
        "engine.create_schema('s')\n"
        "engine.run('CREATE TABLE main.s.t USING delta AS SELECT 1 AS id')\n"
        f"{PORT}"
        "if os.fork() == 0:\n"
        "    assert engine.exists('main.s.t')\n"
        "    assert engine.preview('SELECT * FROM main.s.t', 1).rows == ((1,),)\n"
        f"    {PORT}"
        "    sys.stdin.read()\n"
        "    os._exit(0)\n"  # as multiprocessing does; pyspark hangs at another end
        "os.wait()\n",
        PYTHONWARNINGS="ignore::DeprecationWarning",  # of a fork with threads
    )
    parents, childs = int(kernel.stdout.readline()), int(kernel.stdout.readline())
    assert parents != childs
    kernel.kill()
    assert ends(parents)
    assert listens(childs)
    kernel.stdin.close()
    assert ends(childs)


def test_the_warm_up_and_the_first_query_share_one_server(new_engine):
    engine = new_engine()
    ports = []

    def use():
        assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)
        ports.append(engine._connection.server.port)

    engine.warm_up()
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ports) == 4
    assert len(set(ports)) == 1


def test_a_query_fails_at_once_when_the_server_dies(new_engine):
    engine = new_engine()
    engine.preview("SELECT 1", 1)
    running = threading.Event()

    def kill():
        running.wait()
        engine._connection.server._process.kill()

    def endless(spark):
        running.set()
        return spark.sql(
            "SELECT count(*) FROM range(0, 100000000000) WHERE id % 7 = sqrt(id)"
        )

    threading.Thread(target=kill).start()
    with pytest.raises(EngineUnavailable) as raised:
        engine.preview(endless, 1)
    assert str(raised.value) == (
        "engine-unavailable: the embedded engine's server ended unexpectedly (Killed)\n"
        "  The next query starts a new one."
    )


def test_the_next_query_starts_a_new_server(new_engine):
    engine = new_engine()
    engine.create_schema("s")
    engine.run("CREATE TABLE main.s.t USING delta AS SELECT 1 AS id")
    first = engine._connection.server
    first._process.kill()
    assert first.died(within=5)
    engine.cancel()
    assert engine.exists("main.s.t")
    assert engine.preview("SELECT * FROM main.s.t", 1).rows == ((1,),)
    assert engine._connection.server is not first


def test_a_server_that_can_not_start_says_why(new_engine, monkeypatch):
    monkeypatch.setenv("SAIL_MODE", "nonsense")
    with pytest.raises(EngineError, match="the embedded engine's server did not start"):
        new_engine().preview("SELECT 1", 1)
