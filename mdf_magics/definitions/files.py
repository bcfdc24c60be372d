"""A project's definition files, read anew only where they have changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mdf_magics.definitions.caching import Cache
from mdf_magics.definitions.pieces import Piece, split
from mdf_magics.definitions.reading import Document, read_document, read_text
from mdf_magics.definitions.secrets import check_secrets
from mdf_magics.errors import Problem, Source

FOLDER = "definitions"
SUFFIXES = (".yml", ".yaml", ".json")

WORTH_CACHING = 4_096
"""Characters of a file that take longer to parse than to find in the cache."""

type Unsaved = Mapping[str, str | None]
"""Texts of files that are not written yet; None: the file is to be removed."""

_READ: dict[str, Document] = {}
"""What each file said when it was last read."""


@dataclass(frozen=True)
class Files:
    """The project's files, some of them not saved yet."""

    root: Path
    unsaved: Unsaved
    problems: list[Problem]

    def documents(self, folder: str) -> Iterator[Document]:
        """The files of a folder that could be read, in the order of their names."""
        start = f"{FOLDER}/{folder}/"
        names = set(_below(str(self.root / FOLDER / folder), start))
        names |= {name for name in self.unsaved if name.startswith(start)}
        names -= {name for name, text in self.unsaved.items() if text is None}
        for name in sorted(names):
            document = self.document(name)
            if document.value is not None:
                yield document

    def document(self, name: str) -> Document:
        """One file, by its path relative to the root."""
        text = self.text(name)
        if text is None:
            return Document(Source(name, ""), None, problems=self.problems[-1:])
        document = self._read(Source(name, text))
        self.problems.extend(document.problems)
        return document

    def text(self, name: str) -> str | None:
        """A file's text; None when it can't be read, which is a problem."""
        text = self.unsaved.get(name)
        if text is None:
            text, problem = read_text(self.root / name, name)
            if problem:
                self.problems.append(problem)
                return None
        return text

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        if name in self.unsaved:
            return self.unsaved[name] is not None
        return (self.root / name).exists()

    def _read(self, source: Source) -> Document:
        """A document with the secrets in it, from this process or an earlier one."""
        last = _READ.get(source.name)
        if last is not None and last.source == source:
            return last
        if last is not None:
            document = _checked(source, {one.text: one for one in last.pieces})
        elif len(source.text) < WORTH_CACHING:
            document = _checked(source, {})
        else:
            document = self._cached(source)
        _READ[source.name] = document
        return document

    def _cached(self, source: Source) -> Document:
        text, cache = source.text, Cache(self.root)
        key = Path(source.name).suffix, text
        if (stored := cache.get(*key)) is not None:
            pieces = split(text) if len(stored) > 1 else None
            texts = pieces.texts() if pieces else [text]
            there = zip(texts, stored, strict=True)
            return read_document(source, known={a: Piece(a, *b) for a, b in there})
        document = _checked(source, {})
        if not document.problems:
            cache.put([[one.value, one.count] for one in document.pieces], *key)
        return document


def _below(folder: str, name: str) -> Iterator[str]:
    """A folder's definition files, and those of folders in it; links are passed by."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for one in entries:
            if one.name[0] == ".":  # .ipynb_checkpoints holds copies
                continue
            if one.name.endswith(SUFFIXES):
                yield name + one.name
            elif one.is_dir(follow_symlinks=False):
                yield from _below(one.path, f"{name}{one.name}/")


def _checked(source: Source, known: Mapping[str, Piece]) -> Document:
    document = read_document(source, known=known)
    if not document.pieces or any(map(_holds_secrets, document.pieces)):
        document.problems.extend(check_secrets(source))
    return document


def _holds_secrets(piece: Piece) -> bool:
    """Whether a part of a file has to be looked at for secrets; remembered with it."""
    if "secrets" not in piece.known:
        piece.known["secrets"] = bool(check_secrets(Source("", piece.text)))
    found: bool = piece.known["secrets"]
    return found
