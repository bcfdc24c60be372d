"""Whose a development target is: `${user}` in its names."""

from __future__ import annotations

import getpass
import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from mdf_magics.deploying.workspaces.login import log_in
from mdf_magics.deploying.workspaces.protocol import NotLoggedIn, WorkspaceError

FILE = "users.json"

RECENTLY = 20.0
"""Seconds for which a login that failed isn't tried again by the same verb."""

_REFUSED: dict[str, tuple[float, WorkspaceError]] = {}
"""Logins that failed and that nobody has been told about yet, with when."""


def login_name() -> str:
    """The short name of this machine's user."""
    return short_name(getpass.getuser())


def short_name(login: str) -> str:
    """What stands before the @, in lower case; other characters become `_`."""
    return re.sub(r"[^a-z0-9]", "_", login.split("@", maxsplit=1)[0].lower())


class CurrentUser:
    """The user of a workspace, remembered in the project's `.mdf`.

    Names hold it, so whatever is done with a development target asks for it. The
    workspace is asked once; offline before that, it is this machine's user, with whom
    nothing can be deployed.
    """

    def __init__(self, folder: Path, profile: str | None, host: str | None) -> None:
        """Bind it to a target's login.

        Args:
            folder: The project's `.mdf`.
            profile: The target's profile.
            host: The target's host.
        """
        self._file = folder / FILE
        self._profile = profile
        self._host = host
        names = ("DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE")
        known = [profile, host, *(os.environ.get(name) for name in names)]
        self._key = " ".join(one or "-" for one in known)

    def name(self) -> str:
        """The short name; asks the workspace when it isn't known yet."""
        known = self._known().get(self._key)
        if known is None:
            if self._refused():
                return login_name()
            try:
                known = self._ask()
            except WorkspaceError as error:
                _REFUSED[self._key] = time.monotonic(), error
                return login_name()
            self.remember(known)
        return known

    def check_login(self) -> None:
        """Raise what asking for the name has just come to, instead of trying again."""
        if error := self._refused():
            del _REFUSED[self._key]
            raise error

    def check(self, login: str, planned: str) -> None:
        """Refuse names that were made for somebody else.

        Args:
            login: Whom the workspace knows us as.
            planned: The short name that everything was worked out with.

        Raises:
            NotLoggedIn: They are two.
        """
        actual = short_name(login)
        if actual != planned:
            self.remember(actual)
            raise NotLoggedIn(
                f"the names here are {planned}'s, and you are logged in as {login}",
                "From now on they are yours: do it again.",
            )

    def remember(self, name: str) -> None:
        """Write the name down; not being able to costs a question next time."""
        with suppress(OSError):
            known = self._known() | {self._key: name}
            self._file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")

    def _refused(self) -> WorkspaceError | None:
        at, error = _REFUSED.get(self._key, (0.0, None))
        return error if time.monotonic() - at < RECENTLY else None

    def _known(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _ask(self) -> str:
        from mdf_magics.deploying.workspaces.pace import Pace
        from mdf_magics.deploying.workspaces.rest import Rest

        rest = Rest(log_in(self._profile, self._host), pace=Pace(10, 10))
        return short_name(rest.who()[0])
