"""What all tests share: which of them run, and how hypothesis looks for examples.

`make test` takes a sample: fixed examples, no test marked `full` or `needs`.
`make test-all` (MDF_TESTS=all) takes all that the machine has the tools for.
Tests that are left out are counted, with the reason, above pytest's last line.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

ALL = os.environ.get("MDF_TESTS") == "all"
"""Whether everything runs, or the sample."""

TOOLS_FOLDER = Path(__file__).parent.parent / ".tools"


class Tool(NamedTuple):
    """Something that a test needs of the machine and pip can't bring."""

    find: Callable[[], str | None]
    advice: str


def _on_path(*names: str) -> Callable[[], str | None]:
    return lambda: next(filter(None, map(shutil.which, names)), None)


def _in_tools(name: str, runtime: str) -> Callable[[], str | None]:
    path = TOOLS_FOLDER / name
    return lambda: str(path) if path.exists() and shutil.which(runtime) else None


TOOLS = {
    "chromium": Tool(
        _on_path("chromium", "chromium-browser", "google-chrome"),
        "apt-get install chromium",
    ),
    # VS Code in a browser; the file's own `node` runs it.
    "code-server": Tool(
        _in_tools("code-server/node_modules/code-server/out/node/entry.js", "npm"),
        "install Node.js 20 or later and npm, then make tools",
    ),
    "node": Tool(_on_path("node"), "install Node.js 20 or later"),
    # Spark's server for Spark Connect; its `spark-submit` starts it.
    "spark-connect": Tool(
        _in_tools("spark/bin/spark-submit", "java"),
        "install Java 17, then make tools",
    ),
    # Its folder must be on PATH when it runs: it starts its own Python.
    "spark-pipelines": Tool(
        _in_tools("spark/bin/spark-pipelines", "java"),
        "install Java 17, then make tools",
    ),
    "yaml-language-server": Tool(
        _in_tools("npm/node_modules/.bin/yaml-language-server", "node"),
        "install Node.js 20 or later, then make tools",
    ),
}
"""The names that `@pytest.mark.needs` takes."""

settings.register_profile(
    "sample", derandomize=True, database=None, max_examples=50, deadline=None
)
settings.register_profile(
    "all",
    print_blob=True,
    max_examples=500,
    deadline=None,
    # A busy machine draws slowly; that is no fault of a strategy.
    suppress_health_check=[HealthCheck.too_slow],
)
# The same examples in every check of a change; new ones where a person looks on.
settings.register_profile(
    "check", settings.get_profile("all"), derandomize=True, database=None
)
settings.load_profile(("check" if "CI" in os.environ else "all") if ALL else "sample")

_LEFT_OUT = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """The path of a tool that the test's `needs` mark names."""

    def path(name: str) -> str:
        found = TOOLS[name].find()
        assert found, f"mark the test with @pytest.mark.needs({name!r})"
        return found

    return path


def pytest_configure(config: pytest.Config) -> None:
    # What a shell starts in the background ignores Ctrl-C, and tests send it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_LEFT_OUT] = Counter()


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Take out what this run isn't for, and count it."""
    reasons = {item: _why_left_out(item) for item in items}
    config.stash[_LEFT_OUT] = Counter(filter(None, reasons.values()))
    config.hook.pytest_deselected(items=[item for item in items if reasons[item]])
    items[:] = [item for item in items if not reasons[item]]


def _why_left_out(item: pytest.Item) -> str:
    needed = [name for mark in item.iter_markers("needs") for name in mark.args]
    if unknown := set(needed) - set(TOOLS):
        message = f"{item.nodeid} needs {sorted(unknown)}, known are {sorted(TOOLS)}"
        raise pytest.UsageError(message)
    if not ALL:
        full = needed or item.get_closest_marker("full")
        return "make test-all runs them" if full else ""
    missing = [name for name in needed if not TOOLS[name].find()]
    return "; ".join(
        f"{name} is missing here ({TOOLS[name].advice})" for name in missing
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a process of pytest-xdist: send the counts home."""
    if hasattr(session.config, "workeroutput"):
        counts = session.config.stash[_LEFT_OUT]
        session.config.workeroutput["left_out"] = dict(counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Each process collects everything, so one count of them is the whole."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[_LEFT_OUT] |= Counter(output.get("left_out", {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for reason, count in config.stash[_LEFT_OUT].items():
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.write_line(f"left out: {tests}, {reason}")
