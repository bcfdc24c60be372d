"""Where a deploy comes from: git, and who runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Facts about a deploy, recorded with every row. Nothing here is looked up."""

    deployed_by: str
    """Who, on which machine: `ci@example.com on build-1`."""
    repository: str | None = None
    """The remote's address; credentials in it are never recorded."""
    commit: str | None = None
    relation: Callable[[str], str] | None = None
    """Tells how our commit stands to a deployed one: `ahead`, `same`, `behind`,
    `diverged`, `unknown`. None: nobody asks, as for a target with a local engine."""
    is_development: bool = False
    """Whether the target is one person's own: another history is no reason to stop."""

    @property
    def recorded_repository(self) -> str | None:
        """The repository as `git.example.com/data/flights`."""
        return without_credentials(self.repository) if self.repository else None


def without_credentials(address: str) -> str:
    """A repository's address without scheme, login, query and `.git`.

    Args:
        address: `https://token@host/path.git`, `git@host:path.git`, or a folder.
    """
    address = re.split(r"[?#]", address, maxsplit=1)[0].removesuffix(".git")
    url = re.fullmatch(r"[a-z][a-z0-9+.-]*://(?:[^/]*@)?(.*)", address, re.IGNORECASE)
    if url:
        return url[1]
    login = re.fullmatch(r"[^/]*@([^/:]+):(.*)", address)
    return f"{login[1]}/{login[2]}" if login else address
