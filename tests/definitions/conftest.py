"""A project's files, as short as they can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mdf_magics.definitions.loading import Definitions, load

MDF = """\
project: flights
targets:
  local: {engine: embedded, catalog: main}
"""

type Write = Callable[[Mapping[str, str]], Path]
type Load = Callable[[Mapping[str, str]], Definitions]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes files below `definitions/`, byte for byte; gives the project's root."""

    def write(files: Mapping[str, str]) -> Path:
        for name, text in {"mdf.yml": MDF, **files}.items():
            path = tmp_path / "definitions" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return tmp_path

    return write


@pytest.fixture
def loaded(written: Write) -> Load:
    """Writes files and loads the definitions in them."""
    return lambda files: load(written(files))
