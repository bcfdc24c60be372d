"""Logging in to a workspace: Databricks unified authentication, and what is wrong.

Nothing is stored. Whatever doesn't work is said in one sentence, in seconds, before
anything is changed.
"""

from __future__ import annotations

import configparser
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, override

from mdf_magics.deploying.workspaces.protocol import WorkspaceError
from mdf_magics.errors import did_you_mean

if TYPE_CHECKING:
    from databricks.sdk.config import Config

PROBE_SECONDS = 4.0
"""How long the first calls to a workspace may take to be answered."""

_LOG_IN = "Log in:  databricks auth login --host https://..."
_CHECK = "Check the target's host and profile in definitions/mdf.yml."


class SentAgain(Exception):
    """databricks-sdk was about to send a request again, and was kept from it."""


class NotLoggedIn(WorkspaceError):
    """The workspace doesn't know who asks, or isn't there."""

    code = "not-logged-in"


def log_in(profile: str | None, host: str | None) -> Config:
    """What is needed to talk to a target's workspace.

    Args:
        profile: The target's profile; None: what the environment says.
        host: The target's host, `https://...`.

    Returns:
        A configuration of databricks-sdk. It is not known yet whether the workspace
        takes it.

    Raises:
        NotLoggedIn: There are no credentials, or they are for another workspace.
    """
    from databricks.sdk.clock import RealClock
    from databricks.sdk.config import Config

    class SendOnce(RealClock):
        """Before it sends something again, databricks-sdk waits by this clock."""

        @override
        def sleep(self, seconds: float) -> None:
            raise SentAgain

    if host and not profile:
        profile = _profile_of(host)
    _check_profile(profile)
    _check_environment(host, profile)
    try:
        with _quiet():
            config = Config(
                profile=profile,
                host=None if profile else host,
                retry_timeout_seconds=1,
                http_timeout_seconds=PROBE_SECONDS,
                clock=SendOnce(),
                product="mdf_magics",
                product_version=_version(),
            )
    except ValueError as error:
        raise _refusal(str(error), profile, host) from error
    if host and config.host and not _same(host, config.host):
        raise NotLoggedIn(
            f"the profile {profile} is for {config.host}, and the target for {host}",
            _CHECK,
        )
    return config


def not_accepted(config: Config, said: str) -> NotLoggedIn:
    """The workspace refuses who asks.

    Args:
        config: What was tried.
        said: The workspace's own words.
    """
    how = {
        "pat": "Make a new token and put it where the old one is"
        " (DATABRICKS_TOKEN, or the profile in ~/.databrickscfg).",
        "databricks-cli": f"Log in again:  databricks auth login --host {config.host}",
        "oauth-m2m": "Check the service principal's client id and secret.",
    }
    said = re.split(r" \[ReqId|\. Config:", said)[0].rstrip(".")
    return NotLoggedIn(
        f"{config.host} doesn't accept these credentials ({config.auth_type}): {said}",
        how.get(config.auth_type or "", _LOG_IN),
    )


def no_workspace(host: str, error: Exception) -> NotLoggedIn:
    """A host that doesn't answer, or not as a workspace does.

    Args:
        host: Where it was asked.
        error: What came of it.
    """
    import requests

    text = str(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return NotLoggedIn(
            f"the proxy doesn't let us through to {host}",
            "Check HTTPS_PROXY and NO_PROXY.",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return NotLoggedIn(
            f"the certificate of {host} can't be verified",
            "Behind a proxy that opens TLS, set REQUESTS_CA_BUNDLE to its certificate.",
        )
    if isinstance(error, requests.exceptions.InvalidURL | ValueError):
        return NotLoggedIn(f"{host} doesn't answer as a Databricks workspace", _CHECK)
    if isinstance(error, requests.exceptions.Timeout):
        why = "it doesn't answer"
    elif "resolve" in text or "not known" in text:
        why = "there is no such host"
    else:
        why = "the connection is refused"
    return NotLoggedIn(f"{host} can't be reached: {why}", f"{_CHECK} Are you online?")


def _refusal(said: str, profile: str | None, host: str | None) -> NotLoggedIn:
    if "more than one authorization method" in said:
        methods = re.search(r"configured: ([\w -]+)", said)
        which = f" ({methods[1]})" if methods else ""
        return NotLoggedIn(
            f"there are credentials of two kinds{which}",
            "Unset those that you don't mean, or set DATABRICKS_AUTH_TYPE.",
        )
    if "cannot configure default credentials" not in said:
        said = re.split(r"\. (?:Config|Env):", said.removeprefix("default auth: "))[0]
        return NotLoggedIn(f"logging in failed: {said}", _LOG_IN)
    where = f"profile {profile}" if profile else host or "the workspace"
    has = "DATABRICKS_TOKEN" in os.environ and not (host or profile)
    if has and "DATABRICKS_HOST" not in os.environ:
        return NotLoggedIn(
            "there is a token, but no host",
            "Set DATABRICKS_HOST, or the target's host.",
        )
    which = f"--profile {profile}" if profile else f"--host {host or 'https://...'}"
    return NotLoggedIn(
        f"there are no Databricks credentials for {where}",
        f"Log in:  databricks auth login {which} ,"
        " or set DATABRICKS_HOST and DATABRICKS_TOKEN.",
    )


def _check_profile(profile: str | None) -> None:
    """Say which profiles there are, when it is none of them."""
    known = _profiles()
    if profile and known and profile not in known:
        raise NotLoggedIn(
            f"there is no profile {profile} in {_config_file()}",
            did_you_mean(profile, known) or _LOG_IN,
        )


def _check_environment(host: str | None, profile: str | None) -> None:
    """Send no token of the environment to another host than it is for."""
    elsewhere = os.environ.get("DATABRICKS_HOST")
    if host and elsewhere and not profile and not _same(host, elsewhere):
        raise NotLoggedIn(
            f"the target's host is {host}, and DATABRICKS_HOST is {elsewhere}",
            "Unset DATABRICKS_HOST and its token, or give the target a profile.",
        )


def _profile_of(host: str) -> str | None:
    """The only profile of a host, for a target that names no profile."""
    if any(os.environ.get(f"DATABRICKS_{one}") for one in ("TOKEN", "CLIENT_ID")):
        return None
    found = [name for name, one in _profiles().items() if _same(host, one)]
    return found[0] if len(found) == 1 else None


def _profiles() -> dict[str, str]:
    """Profiles and their hosts."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(_config_file())
    except (configparser.Error, OSError):
        return {}
    found = {name: parser[name].get("host", "") for name in parser.sections()}
    found.pop("__settings__", None)
    default = parser.defaults()
    return found | ({"DEFAULT": default.get("host", "")} if default else {})


def _config_file() -> Path:
    named = os.environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg"
    return Path(named).expanduser()


def _same(one: str, other: str) -> bool:
    plain = [
        re.sub(r"^https?://", "", host).rstrip("/").lower() for host in (one, other)
    ]
    return plain[0] == plain[1]


def _version() -> str:
    from importlib.metadata import version

    return version("mdf_magics")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself that a host says nothing about itself; older ones don't."""
    logger = logging.getLogger("databricks.sdk")

    def passes(record: logging.LogRecord) -> bool:
        return "host metadata" not in record.getMessage()

    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)
