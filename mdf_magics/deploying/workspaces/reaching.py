"""A workspace's address as people type it, and whether somebody answers there."""

from __future__ import annotations

import re
import threading
from urllib.request import getproxies

from mdf_magics.deploying.workspaces.protocol import NotLoggedIn

PROBE_SECONDS = 4.0
"""How long the first calls to a workspace may take to be answered."""

_NAME_SECONDS = 2.0
"""How much longer it may take to look its name up, which has no limit of its own."""

CHECK = "Check the target's host and profile in definitions/mdf.yml."

_ADDRESS = re.compile(
    r"(?:(https?)://)?((?:[\w-]+\.)+[\w-]+|localhost)(?::443\b)?(:\d+)?(?:[/?#].*)?",
    re.IGNORECASE,
)
_DOWN = (502, 503, 504)


def address_of(typed: str) -> str:
    """The address of a workspace, `https://host`, without what a browser adds.

    Args:
        typed: With or without `https://`, a path, `?o=...`, blanks or quotes.

    Raises:
        NotLoggedIn: It is no address.
    """
    found = _ADDRESS.fullmatch(typed.strip(" \t\r\n\"'"))
    if found is None:
        raise NotLoggedIn(
            f'"{typed}" is no address of a workspace',
            "It is what the browser shows before the first single slash:"
            "  https://adb-1234567890123456.7.azuredatabricks.net",
        )
    scheme, host, port = found.groups(default="")
    return f"{scheme or 'https'}://{host}{port}".lower()


def same_address(one: str, other: str) -> bool:
    """Whether two addresses mean one workspace."""
    hosts = [address_of(host).partition("://")[2] for host in (one, other)]
    return hosts[0] == hosts[1]


def check_answers(host: str) -> None:
    """See that somebody answers at an address, by one question.

    databricks-sdk asks several times, each time with all its patience.

    Raises:
        NotLoggedIn: Nobody does, within seconds.
    """
    import requests

    failures: list[Exception] = [requests.Timeout()]

    def ask() -> None:
        try:
            reply = requests.head(host, timeout=PROBE_SECONDS, allow_redirects=False)
        except (requests.RequestException, ValueError) as error:
            failures[:] = [error]
        else:
            failures[:] = [_Down(reply.reason)] if reply.status_code in _DOWN else []

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PROBE_SECONDS + _NAME_SECONDS)
    for failure in failures:
        raise no_workspace(host, failure) from failure


class _Down(Exception):
    """The workspace says that it isn't available."""


def no_workspace(host: str, error: Exception) -> NotLoggedIn:
    """A host that doesn't answer, or not as a workspace does.

    Args:
        host: Where it was asked.
        error: What came of it.
    """
    import requests

    text = str(error)
    if isinstance(error, _Down):
        return NotLoggedIn(f"{host} isn't available now: {error}", "Try again later.")
    if isinstance(error, requests.exceptions.ProxyError):
        return _behind_proxy(host, text)
    if isinstance(error, requests.exceptions.SSLError):
        return NotLoggedIn(
            f"the certificate of {host} can't be verified",
            "Behind a proxy that opens TLS, set REQUESTS_CA_BUNDLE to its certificate.",
        )
    if isinstance(error, requests.exceptions.InvalidURL | ValueError):
        return NotLoggedIn(f"{host} doesn't answer as a Databricks workspace", CHECK)
    if isinstance(error, requests.exceptions.Timeout):
        why = "it doesn't answer"
    elif "resolve" in text or "not known" in text:
        why = "there is no such host"
    else:
        why = "the connection is refused"
    return NotLoggedIn(f"{host} can't be reached: {why}", f"{CHECK} Are you online?")


def _behind_proxy(host: str, text: str) -> NotLoggedIn:
    import requests

    proxy = requests.utils.select_proxy(host, getproxies()) or "the proxy"
    refused = re.search(r"Tunnel connection failed: (\d+ [\w ]+)", text)
    proxy = re.sub(r"//[^/@]*@", "//", proxy)  # it may hold a password
    why = f"says {refused[1]}" if refused else "can't be reached"
    return NotLoggedIn(
        f"the proxy on the way to {host}, {proxy}, {why}",
        "Check HTTPS_PROXY, and NO_PROXY if no proxy is needed.",
    )
