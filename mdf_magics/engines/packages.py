"""Which of the packages that engines need are installed, and whether they fit."""

from __future__ import annotations

import re
from importlib import metadata

from mdf_magics.errors import Problem

CLIENT = "databricks-connect"

_STRAY = ("pyspark", "pyspark-connect", "pyspark-client")


def installed(distribution: str) -> str:
    """The version of a distribution; empty when it isn't installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def stray_pyspark() -> Problem | None:
    """A second owner of the folder `pyspark`: imports then find parts of both."""
    found = [f"{name} {version}" for name in _STRAY if (version := installed(name))]
    if not found or not installed(CLIENT):
        return None
    message = f"{' and '.join(found)} is installed beside {CLIENT}: they don't fit"
    names = " ".join([*(one.split()[0] for one in found), CLIENT])
    version = installed(CLIENT)
    hint = (
        "Run this in a shell, then restart the kernel:\n"
        f'pip uninstall -y {names} && pip install "{CLIENT}=={version}"'
    )
    return Problem("stray-pyspark", message, hint)


def newer_client(runtime: str, where: str) -> Problem | None:
    """A client that is newer than what it talks to, which Databricks doesn't support.

    Args:
        runtime: The version of Databricks Runtime, such as `17.3.x-scala2.13`.
        where: What has it: `the cluster 0123-4567`.
    """
    client = installed(CLIENT)
    ours, theirs = _numbers(client), _numbers(runtime)
    if not ours or not theirs or ours[: len(theirs)] <= theirs:
        return None
    has = ".".join(map(str, theirs))
    message = f"{CLIENT} {client} is newer than {where}, which has version {has}"
    hint = (
        "Run this in a shell, then restart the kernel:  "
        f'pip install "{CLIENT}=={has}.*"'
    )
    return Problem("client-too-new", message, hint)


def _numbers(version: str) -> tuple[int, ...]:
    """Major and minor; only the major of a custom image such as `17.x-mine`."""
    found = re.search(r"(\d+)(?:\.(\d+))?\.(?:\d|x)", version)
    return tuple(int(one) for one in found.groups() if one) if found else ()
