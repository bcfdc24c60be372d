"""Remembers between commands what definition files say.

Plain JSON in `.mdf/cache`, found by what was read: nothing in it can be out of date,
nothing is executed, and the folder may be deleted at any time. What another version
wrote is not looked at.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import shutil
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mdf_magics.definitions.storing import LOCAL_FOLDER, local_folder

MOST_FILES = 5_000
"""More are taken for leftovers, and all of them are removed."""

_DATE = "!date"


class Cache:
    """What was worked out from texts, by these texts."""

    def __init__(self, root: Path) -> None:
        """Look into a project's cache."""
        self._root = root

    def get(self, *texts: str) -> Any:
        """What was worked out from these texts; None when that isn't known."""
        try:
            return json.loads(self._file(texts).read_bytes(), object_hook=_read)
        except (OSError, ValueError):
            return None

    def put(self, value: Any, *texts: str) -> None:
        """Remember what was worked out from these texts; without any guarantee."""
        try:
            written = json.dumps(value, default=_written, allow_nan=False)
        except (TypeError, ValueError):  # what JSON can't hold is worked out anew
            return
        if any(f'"{_DATE}"' in text for text in texts):
            return
        file = self._file(texts)
        temporary = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        with suppress(OSError):
            folder = file.parent
            if not folder.exists() or len(list(folder.iterdir())) > MOST_FILES:
                local_folder(self._root)
                shutil.rmtree(folder.parent, ignore_errors=True)
                folder.mkdir(parents=True)
            temporary.write_text(written, encoding="utf-8")
            temporary.replace(file)

    def _file(self, texts: tuple[str, ...]) -> Path:
        digest = hashlib.sha256()
        for text in texts:
            raw = text.encode("utf-8", errors="surrogatepass")
            digest.update(b"%d:" % len(raw) + raw)
        folder = self._root / LOCAL_FOLDER / "cache" / _version()
        return folder / f"{digest.hexdigest()}.json"


@cache
def _version() -> str:
    """What tells this version of the code from others, also while it is developed."""
    package = Path(__file__).parents[1]
    said = [metadata.version("mdf_magics"), metadata.version("pyyaml")]
    for file in sorted(package.rglob("*.py")):
        status = file.stat()
        said.append(f"{file.name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def _written(value: Any) -> dict[str, str]:
    if isinstance(value, dt.date):
        return {_DATE: value.isoformat()}
    raise TypeError


def _read(value: dict[str, Any]) -> Any:
    if _DATE not in value:
        return value
    text = value[_DATE]
    return (dt.datetime if "T" in text else dt.date).fromisoformat(text)
