"""databricks-sdk's configuration, which looks before it asks. Takes long to import."""

from __future__ import annotations

import re
from typing import override

from databricks.sdk.clock import RealClock
from databricks.sdk.config import Config

from mdf_magics.deploying.workspaces.protocol import NotLoggedIn
from mdf_magics.deploying.workspaces.reaching import address_of, check_answers

Config.attributes()  # kept there; from a subclass they would not be found


class SentAgain(Exception):
    """databricks-sdk was about to send a request again, and was kept from it."""


class SendOnce(RealClock):
    """Before it sends something again, databricks-sdk waits by this clock."""

    @override
    def sleep(self, seconds: float) -> None:
        raise SentAgain


class CheckedConfig(Config):
    """Takes addresses as people type them, and asks nobody who isn't there.

    The methods are the steps of `Config.__init__` (databricks-sdk 0.156).
    """

    @override
    def _fix_host_if_needed(self) -> None:
        if self.host:
            self.host = address_of(self.host)

    @override
    def _resolve_host_metadata(self) -> None:
        if self.token and not re.fullmatch(r"[\w.~+/=-]+", self.token, re.ASCII):
            raise NotLoggedIn(
                "the token holds a character that no token has, such as a blank or a"
                " quote",
                "Copy it again into DATABRICKS_TOKEN, or the profile in"
                " ~/.databrickscfg.",
            )
        if self.host:
            check_answers(self.host)
        super()._resolve_host_metadata()
