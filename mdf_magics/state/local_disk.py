"""Where a state file must not lie: on disks that vanish, or that others see as well.

SQLite's WAL shares memory between its processes, so all of them must be on one machine
(https://www.sqlite.org/wal.html). A Databricks driver's disk ends with its cluster.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from mdf_magics.errors import Problem, StateError

_SHARED_FOLDERS = ("/Workspace", "/Volumes", "/dbfs")

_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|lustre|gpfs|beegfs|glusterfs|ocfs2|gfs2"
    r"|fuse(\..+)?"
)
"""File systems that other machines may see; FUSE serves sshfs, s3fs and the like."""

_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs"})
"""FUSE of a container's own disk."""

_OCTAL = re.compile(r"\\([0-7]{3})")


def check_local_disk(
    path: Path,
    *,
    environment: Mapping[str, str] = os.environ,
    mounts: Path = Path("/proc/mounts"),
) -> None:
    """Refuse a file that would get lost, or damaged from elsewhere.

    Args:
        path: The file, which need not be there yet.
        environment: The process's variables; a Databricks runtime sets one.
        mounts: The table of mounted file systems; none on other systems than Linux.

    Raises:
        StateError: It must not lie there.
    """
    file = path.absolute()
    shared = next((one for one in _SHARED_FOLDERS if file.is_relative_to(one)), None)
    if shared:
        raise _unsafe(f"{shared} is shared with other machines")
    if "DATABRICKS_RUNTIME_VERSION" in environment:
        raise _unsafe("a cluster's own disk ends with the cluster")
    kind = _file_system(file, mounts)
    if _NETWORK.fullmatch(kind) and kind not in _LOCAL_FUSE:
        raise _unsafe(f"{path} is on a network file system ({kind})")


def _file_system(file: Path, mounts: Path) -> str:
    """The type of the file system that a file is on, or will be; empty: unknown."""
    existing = next(one for one in (file, *file.parents) if one.exists()).resolve()
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    found = {}
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        found[Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), point))] = kind
    return next(
        (found[one] for one in (existing, *existing.parents) if one in found), ""
    )


def _unsafe(why: str) -> StateError:
    return StateError(
        Problem(
            "unsafe-state-file",
            f"the state can't be a file here: {why}",
            "Keep it in a table: give the target  state: {schema: mdf}  in\n"
            "definitions/mdf.yml. Nothing was changed.",
        )
    )
