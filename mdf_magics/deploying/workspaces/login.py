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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mdf_magics.deploying.workspaces.protocol import NotLoggedIn
from mdf_magics.deploying.workspaces.reaching import (
    CHECK,
    PROBE_SECONDS,
    address_of,
    same_address,
)
from mdf_magics.errors import did_you_mean

if TYPE_CHECKING:
    from databricks.sdk.config import Config

_LOG_IN = "Log in:  databricks auth login --host https://..."


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
    from mdf_magics.deploying.workspaces.checked_config import CheckedConfig, SendOnce

    host = host and address_of(host)
    if host and not profile:
        profile = _profile_of(host)
    _check_profile(profile or os.environ.get("DATABRICKS_CONFIG_PROFILE"))
    _check_environment(host, profile)
    try:
        with _quiet():
            config = CheckedConfig(
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
    if host and config.host and not same_address(host, config.host):
        raise NotLoggedIn(
            f"the profile {profile} is for {config.host}, and the target for {host}",
            CHECK,
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
    if kind := os.environ.get("DATABRICKS_AUTH_TYPE"):
        return NotLoggedIn(
            f"there are no credentials of the type {kind} for {where}",
            "Unset DATABRICKS_AUTH_TYPE, or log in in that way.",
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
    whose = f"the profile {profile} is for" if profile else "the target's host is"
    expected = _profiles().get(profile) if profile else host
    otherwise = "." if profile else ", or give the target a profile."
    if elsewhere and expected and not same_address(expected, elsewhere):
        raise NotLoggedIn(
            f"{whose} {address_of(expected)}, and DATABRICKS_HOST is {elsewhere}",
            f"Unset DATABRICKS_HOST and its token{otherwise}",
        )


def _profile_of(host: str) -> str | None:
    """The profile of a host, for a target that names none.

    Raises:
        NotLoggedIn: There are several.
    """
    if any(os.environ.get(f"DATABRICKS_{one}") for one in ("TOKEN", "CLIENT_ID")):
        return None
    named = os.environ.get("DATABRICKS_CONFIG_PROFILE")
    found = [name for name, one in _profiles().items() if _is_for(one, host)]
    if named in found:
        return named
    if len(found) > 1:
        raise NotLoggedIn(
            f"there are {len(found)} profiles for {host}: {', '.join(sorted(found))}",
            f"Say in the target which one:  profile: {min(found)}",
        )
    return found[0] if found else None


def _is_for(typed: str, host: str) -> bool:
    with suppress(NotLoggedIn):  # somebody else's profile
        return same_address(typed, host)
    return False


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
