"""Where a state file must not lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics.errors import StateError
from mdf_magics.state.local_disk import check_local_disk
from mdf_magics.state.sqlite import SQLiteStore


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    return tmp_path / "mounts"


def mounted(mounts: Path, point: Path, kind: str) -> Path:
    """A table of file systems with one at that point."""
    escaped = str(point).replace(" ", "\\040")
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {escaped} {kind} rw 0 0\n")
    return mounts


@pytest.mark.parametrize(
    "kind",
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "fuse",
        "fuse.sshfs",
        "fuse.s3fs",
        "ceph",
        "lustre",
    ],
)
def test_network_file_systems_are_refused(tmp_path: Path, mounts: Path, kind: str):
    share = tmp_path / "a share"
    share.mkdir()

    with pytest.raises(StateError) as error:
        check_local_disk(
            share / "project/.mdf/state.db",
            environment={},
            mounts=mounted(mounts, share, kind),
        )

    assert str(error.value) == (
        f"unsafe-state-file: the state can't be a file here: {share}/project/.mdf/state.db is on a network file system ({kind})\n"
        "  Keep it in a table: give the target  state: {schema: mdf}  in\n"
        "  definitions/mdf.yml. Nothing was changed."
    )


@pytest.mark.parametrize(
    "kind",
    ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuseblk", "fuse.fuse-overlayfs"],
)
def test_disks_of_this_machine_are_fine(tmp_path: Path, mounts: Path, kind: str):
    check_local_disk(
        tmp_path / "state.db", environment={}, mounts=mounted(mounts, tmp_path, kind)
    )


def test_the_innermost_file_system_counts(tmp_path: Path, mounts: Path):
    inner = tmp_path / "local"
    inner.mkdir()
    text = f"server:/x {tmp_path} nfs rw 0 0\n/dev/vda {inner} ext4 rw 0 0\n"
    mounts.write_text(text)

    check_local_disk(inner / "state.db", environment={}, mounts=mounts)
    with pytest.raises(StateError, match="network file system"):
        check_local_disk(tmp_path / "state.db", environment={}, mounts=mounts)


def test_a_link_to_a_share_is_no_way_around(tmp_path: Path, mounts: Path):
    share = tmp_path / "share"
    share.mkdir()
    (tmp_path / "link").symlink_to(share)

    with pytest.raises(StateError, match="network file system"):
        check_local_disk(
            tmp_path / "link/state.db",
            environment={},
            mounts=mounted(mounts, share, "nfs"),
        )


@pytest.mark.parametrize("folder", ["/Workspace", "/Volumes", "/dbfs"])
def test_folders_that_a_workspace_shares_are_refused(folder: str):
    with pytest.raises(StateError, match=f"{folder} is shared with other machines"):
        check_local_disk(Path(folder, "Users/me/project/.mdf/state.db"), environment={})


def test_a_databricks_runtime_is_refused(tmp_path: Path):
    with pytest.raises(StateError, match="a cluster's own disk ends with the cluster"):
        check_local_disk(
            tmp_path / "state.db", environment={"DATABRICKS_RUNTIME_VERSION": "17.3"}
        )


def test_systems_without_a_table_of_mounts_are_taken_as_local(tmp_path: Path):
    check_local_disk(tmp_path / "state.db", environment={}, mounts=tmp_path / "none")


def test_the_store_refuses_to_read_and_to_write_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    store = SQLiteStore(path, project="flights", target="prod")

    for call in (store.snapshot, lambda: store.acquire("me")):
        with pytest.raises(StateError, match="unsafe-state-file"):
            call()
    assert not path.parent.exists()
