"""Writes the generated definitions of a target, for review and for git."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mdf_magics.definitions.storing import LOCAL_FOLDER, write_file
from mdf_magics.planning.resources import (
    MADE_BY_US,
    NOTEBOOKS,
    RUNTIME_FILE,
    Compiled,
    resource_path,
)

_NOTEBOOK = re.compile(rf"notebook_path: '?\.\./({NOTEBOOKS}/[^'\n]+)")
"""How a job's definition names a copy of a user's own notebook."""


@dataclass(frozen=True)
class Generated:
    """What writing them changed; paths are relative to the project's root."""

    folder: str
    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


def generated_folder(target: str, *, development: bool) -> str:
    """Where a target's files are: a development target's hold its user's name."""
    shared = f"workflows/{target}"
    return f"{LOCAL_FOLDER}/{shared}" if development else shared


def write_generated(
    root: Path,
    compiled: Compiled,
    *,
    development: bool,
    check: bool = False,
    only: Collection[str] | None = None,
) -> Generated:
    """Bring a target's files to what the definitions come to.

    Args:
        root: The project's root.
        compiled: The texts.
        development: The target is its user's own, so the files aren't committed.
        check: Write nothing, only say what would be written and removed.
        only: The files to write; then none is removed. None: all.

    Returns:
        What was (or would be) written and removed. Only files that we wrote are ever
        removed.
    """
    folder = generated_folder(compiled.target, development=development)
    chosen = compiled.files.keys() if only is None else only
    written = [
        path
        for path, text in compiled.files.items()
        if path in chosen and _content(root / folder / path) != text
    ]
    removed = sorted(_ours(root / folder) - compiled.files.keys()) if (
        only is None
    ) else []  # fmt: skip
    if not check:
        for path in written:
            write_file(root / folder / path, compiled.files[path])
        for path in removed:
            (root / folder / path).unlink()
    return Generated(
        folder,
        tuple(f"{folder}/{path}" for path in written),
        tuple(f"{folder}/{path}" for path in removed),
        len(chosen) - len(written),
    )


def files_of(compiled: Compiled, tables: Collection[str]) -> set[str]:
    """The files of the resources that build some tables."""
    chosen = [one for one in compiled.resources if set(one.tables) & set(tables)]
    files = {path for one in chosen for path in one.files}
    return files | {resource_path(one) for one in chosen}


def _content(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None


def _ours(folder: Path) -> set[str]:
    """Files that we wrote, relative to the folder.

    Most say so themselves. A copy of a user's own notebook can't: it is ours when a job
    that we wrote names it.
    """
    files = sorted(folder.rglob("*")) if folder.is_dir() else ()
    texts = {
        path.relative_to(folder).as_posix(): content
        for path in files
        if (content := _content(path)) is not None
    }
    ours = {
        name
        for name, text in texts.items()
        if MADE_BY_US in text[:200] + text[-200:] or name == RUNTIME_FILE
    }
    jobs = [texts[name] for name in ours if name.startswith("jobs/")]
    named = {path for text in jobs for path in _NOTEBOOK.findall(text)}
    return ours | (named & texts.keys())
