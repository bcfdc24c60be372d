"""What a user's Python function raised, and in which line of theirs.

A function fails here, while it builds a DataFrame, or on rows inside the server, which
sends the traceback as text. Most lines of either belong to libraries.
"""

from __future__ import annotations

import linecache
import re
import sysconfig
import traceback
from pathlib import Path

from mdf_magics.engines.worker import worker_folder
from mdf_magics.errors import Problem

CODE = "python-error"

WORKER_FAILED = "exception was thrown from the Python worker"
"""Stands in what a server says when a function failed on rows."""

_FRAME = re.compile(
    r'^  File "(?P<file>.+)", line (?P<line>\d+), in (?P<function>.+)$'
    r"(?:\n    (?P<text>.+))?",
    re.MULTILINE,
)
_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?:: (?P<message>[\s\S]*))?$")

_LIBRARIES = tuple(
    str(Path(folder))
    for folder in (
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        Path(__file__).parent.parent,
    )
)

_LONGEST = 300
"""Characters of an exception's message."""


def failure_here(error: Exception) -> Problem:
    """The problem of an exception that a function raised in this process."""
    frames = traceback.extract_tb(error.__traceback__)
    return _problem(
        type(error).__name__,
        str(error),
        [(frame.filename, frame.lineno or 0, frame.name, "") for frame in frames],
    )


def failure_on_rows(text: str) -> Problem:
    """The problem of an exception inside the server.

    Args:
        text: The server's message: a sentence, then a Python traceback.
    """
    frames = list(_FRAME.finditer(text))
    last = text[frames[-1].end() if frames else 0 :].strip("\n").splitlines()
    # Python underlines the failing part of a line with ~ and ^.
    while last and (not last[0].strip(" ~^") or last[0].startswith(" ")):
        last.pop(0)
    raised = next(
        (
            match
            for start in range(len(last))
            if (match := _RAISED.match("\n".join(last[start:])))
        ),
        None,
    )
    kind = raised["type"] if raised else "an exception"
    message = (raised["message"] if raised else "\n".join(last)) or ""
    places = [
        (frame["file"], int(frame["line"]), frame["function"], frame["text"] or "")
        for frame in frames
    ]
    return _problem(kind.rpartition(".")[2], message, places)


def _problem(
    kind: str, message: str, frames: list[tuple[str, int, str, str]]
) -> Problem:
    message = " ".join(message.split())
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST - 4]} ..."
    said = f"{kind}: {message}" if message else kind
    own = [frame for frame in frames if not _is_library(frame[0])]
    if not own:
        return Problem(CODE, said)
    file, line, function, text = own[-1]
    # The server has no source of a notebook's cells; this process has.
    text = text.strip() or linecache.getline(file, line).strip()
    return Problem(CODE, said, f"In {function}, line {line}{text and f':  {text}'}")


def _is_library(file: str) -> bool:
    if file.startswith(("<frozen", str(worker_folder()), *_LIBRARIES)):
        return True
    # Sail's own frames and compiled ones have no path here.
    return file in {"spark.py", "<string>"} or file.endswith((".pyx", ".pxi"))
