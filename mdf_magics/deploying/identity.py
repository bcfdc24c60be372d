"""What makes a resource ours: its marker, and the hash of what was sent."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LINEAGE = "mdf_lineage"
NONCE = "mdf_nonce"
KEY = "mdf_key"


@dataclass(frozen=True)
class Marker:
    """The tags by which a resource is known again after a crash or a lost reply."""

    lineage: str
    """The target's, made with its state."""
    key: str
    nonce: str
    """Made for one create, and kept by every update."""

    def on(self, tags: Mapping[str, str]) -> bool:
        """Whether these tags are of the resource that this marker was made for."""
        wanted = {LINEAGE: self.lineage, KEY: self.key, NONCE: self.nonce}
        return wanted.items() <= tags.items()


def marked(settings: dict[str, Any], marker: Marker) -> dict[str, Any]:
    """Settings with the marker's tags, as they are sent."""
    tags = settings.get("tags") or {}
    ours = {LINEAGE: marker.lineage, NONCE: marker.nonce}
    return settings | {"tags": tags | ours}


def unmarked(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without the tags that only a call adds, as they are compared."""
    tags = settings.get("tags") or {}
    kept = {name: tag for name, tag in tags.items() if name not in (LINEAGE, NONCE)}
    return settings | {"tags": kept}


def new_nonce() -> str:
    """16 hex digits, for one create."""
    return secrets.token_hex(8)


def text_hash(text: str) -> str:
    """The SHA-256 of an uploaded file, before anything in it is filled in."""
    return hashlib.sha256(text.encode()).hexdigest()


def spec_hash(
    spec: dict[str, Any], files: Iterable[str], hashes: Mapping[str, str]
) -> str:
    """16 hex digits that change with the spec and with the files that it uses.

    Args:
        spec: The resource as in `workflows/<target>`.
        files: The uploaded files that it uses.
        hashes: The SHA-256 of each uploaded file.
    """
    used = {path: hashes[path] for path in files}
    whole = {"files": used, "spec": spec}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
