"""Writes definition files: whole or not at all, one writer at a time."""

from __future__ import annotations

import codecs
import difflib
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mdf_magics.errors import DefinitionError, Problem

LOCAL_FOLDER = ".mdf"
"""Holds local state, the local warehouse and caches; never committed."""

WAIT = 30.0
"""Seconds to wait for another writer; a write takes some milliseconds."""


NOTHING_SAVED = "Nothing was saved."

_TEMPORARY = ".mdf-tmp-"
"""Starts the name of a file that is being written."""


_CONTEXT = 3
"""Lines that a diff shows around each change."""

_HUNK = re.compile(r"(?<=[-+])\d+")


@dataclass(frozen=True)
class Change:
    """What becomes of one file."""

    path: str
    """Relative to the project's root."""
    before: str | None
    """The text it was worked out from; None: there is no such file."""
    after: str | None
    """None: the file is removed."""

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def diff(self) -> str:
        """A unified diff, as git shows it."""
        old, new = ((text or "").splitlines() for text in (self.before, self.after))
        # What is alike before and behind is left out: difflib looks at all of it.
        pairs = enumerate(zip(old, new, strict=False))
        first = next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))
        ends = enumerate(
            zip(reversed(old[first:]), reversed(new[first:]), strict=False)
        )
        last = next((at for at, (a, b) in ends if a != b), 0)
        skipped, kept = max(0, first - _CONTEXT), max(0, last - _CONTEXT)
        lines = difflib.unified_diff(
            old[skipped : len(old) - kept],
            new[skipped : len(new) - kept],
            f"a/{self.path}" if self.before is not None else "/dev/null",
            f"b/{self.path}" if self.after is not None else "/dev/null",
            n=_CONTEXT,
            lineterm="",
        )
        return "\n".join(_moved_down(line, skipped) for line in lines)


def _moved_down(line: str, lines: int) -> str:
    """A line of a diff of what stands so many lines further down."""
    if not line.startswith("@@"):
        return line
    return _HUNK.sub(lambda found: str(int(found[0]) + lines), line)


def local_folder(root: Path) -> Path:
    """The project's `.mdf` folder, made when missing, which git leaves alone."""
    folder = root / LOCAL_FOLDER
    if not (folder / ".gitignore").exists():
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the project's definitions against other writers on this machine.

    Raises:
        DefinitionError: Another process holds them for longer than WAIT.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(local_folder(root) / "definitions.lock", timeout=WAIT):
            yield
    except Timeout as error:
        message = f"another process has been writing definitions for {WAIT:.0f} s"
        hint = "End it, or wait; nothing has to be removed by hand."
        problem = Problem("definitions-locked", message, hint)
        raise DefinitionError(problem, note=NOTHING_SAVED) from error


def write(root: Path, changes: Sequence[Change]) -> None:
    """Write the changes, each file atomically, once all of them are on the disk.

    Args:
        root: The project's root.
        changes: At most one for each file.

    Raises:
        DefinitionError: A file is not what its change was worked out from, or can't
            be written.
    """
    wanted = [change for change in changes if change.changes]
    prepared: dict[str, tuple[Path, Path]] = {}
    written: list[str] = []
    try:
        for change in wanted:
            if change.after is not None:
                prepared[change.path] = _prepare(root / change.path, change.after)
        for change in wanted:
            _refuse_changed(root, change)
        for change in wanted:
            if change.after is None:
                (root / change.path).unlink()
            else:
                temporary, real = prepared[change.path]
                temporary.replace(real)
                _sync_folder(real.parent)
            written.append(change.path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{error.filename or 'a file'} can't be written: {reason}"
        note = f"Written before: {', '.join(written)}." if written else NOTHING_SAVED
        problem = Problem("unwritable-file", message)
        raise DefinitionError(problem, note=note) from error
    finally:
        for temporary, _ in prepared.values():
            temporary.unlink(missing_ok=True)


def write_file(path: Path, text: str) -> None:
    """Write one file atomically, line ends as they are in the text."""
    temporary, real = _prepare(path, text)
    temporary.replace(real)
    _sync_folder(real.parent)


def _refuse_changed(root: Path, change: Change) -> None:
    path = root / change.path
    raw = path.read_bytes() if path.exists() else None
    now = None if raw is None else raw.decode("utf-8-sig", errors="replace")
    if now == change.before:
        return
    other = Change(change.path, change.before, now)
    message = f"{change.path} was changed by somebody else meanwhile"
    hint = f"{other.diff()}\nRun the cell again."
    problem = Problem("changed-meanwhile", message, hint)
    raise DefinitionError(problem, note=NOTHING_SAVED)


def _prepare(path: Path, text: str) -> tuple[Path, Path]:
    """The text in a temporary file beside its place, on the disk."""
    real = path.resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(real.parent)
    raw = text.encode("utf-8")
    if real.exists() and real.read_bytes()[:3] == codecs.BOM_UTF8:
        raw = codecs.BOM_UTF8 + raw
    temporary = real.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if real.exists():
            temporary.chmod(real.stat().st_mode & 0o7777)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary, real


def _remove_leftovers(folder: Path) -> None:
    """Remove what a writer left that was killed; a living one takes milliseconds."""
    for file in folder.glob(f"{_TEMPORARY}*"):
        with suppress(FileNotFoundError):
            if time.time() - file.stat().st_mtime > 2 * WAIT:
                file.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder can't be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
