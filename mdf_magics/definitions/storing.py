"""Writes definition files: whole or not at all, one writer at a time."""

from __future__ import annotations

import codecs
import difflib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mdf_magics.errors import DefinitionError, Problem

LOCAL_FOLDER = ".mdf"
"""Holds local state, the local warehouse and caches; never committed."""

WAIT = 30.0
"""Seconds to wait for another writer; a write takes some milliseconds."""


@dataclass(frozen=True)
class Change:
    """What becomes of one file."""

    path: str
    """Relative to the project's root."""
    before: str | None
    """The text it was worked out from; None: there is no such file."""
    after: str

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def diff(self) -> str:
        """A unified diff, as git shows it."""
        old = (self.before or "").splitlines()
        return "\n".join(
            difflib.unified_diff(
                old,
                self.after.splitlines(),
                f"a/{self.path}" if self.before is not None else "/dev/null",
                f"b/{self.path}",
                lineterm="",
            )
        )


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
        raise DefinitionError(
            Problem("definitions-locked", message, hint), note="Nothing was saved."
        ) from error


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
    for change in wanted:
        _refuse_changed(root, change)
    prepared: list[tuple[Path, Path]] = []
    try:
        for change in wanted:
            prepared.append(_prepare(root / change.path, change.after))
        for temporary, path in prepared:
            temporary.replace(path)
            _sync_folder(path.parent)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{error.filename or 'a file'} can't be written: {reason}"
        raise DefinitionError(
            Problem("unwritable-file", message), note="Nothing was saved."
        ) from error
    finally:
        for temporary, _ in prepared:
            temporary.unlink(missing_ok=True)


def write_file(path: Path, text: str) -> None:
    """Write one file atomically, line ends as they are in the text."""
    temporary, real = _prepare(path, text)
    temporary.replace(real)
    _sync_folder(real.parent)


def _refuse_changed(root: Path, change: Change) -> None:
    path = root / change.path
    now = path.read_bytes().decode("utf-8-sig") if path.exists() else None
    if now == change.before:
        return
    other = Change(change.path, change.before, now or "")
    message = f"{change.path} was changed by somebody else meanwhile"
    hint = f"{other.diff()}\nRun the cell again."
    raise DefinitionError(
        Problem("changed-meanwhile", message, hint), note="Nothing was saved."
    )


def _prepare(path: Path, text: str) -> tuple[Path, Path]:
    """The text in a temporary file beside its place, on the disk."""
    real = path.resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    raw = text.encode("utf-8")
    if real.exists() and real.read_bytes()[:3] == codecs.BOM_UTF8:
        raw = codecs.BOM_UTF8 + raw
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=".mdf-", suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    mode = real.stat().st_mode & 0o7777 if real.exists() else 0o666 & ~_umask()
    Path(name).chmod(mode)
    return Path(name), real


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder can't be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
