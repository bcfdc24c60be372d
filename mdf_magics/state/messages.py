"""What every store says when it must refuse."""

from __future__ import annotations

from mdf_magics.errors import LeaseLost, Locked, Problem, StateError
from mdf_magics.state.protocol import Holder


def locked(target: str, holder: Holder) -> Locked:
    """Somebody else holds the lease: who, since when, and when it ends by itself."""
    since = holder.since.replace("T", " ").replace("Z", " UTC")
    return Locked(
        Problem(
            "locked",
            f"{target} is being deployed by {holder.deployed_by}",
            f"since {since} (fence {holder.fence}), "
            f"last sign of life {holder.silent_seconds} s ago\n"
            "Wait for it, or add  --wait . If it has died, "
            f"its lease ends by itself in {holder.seconds_left} s.",
        )
    )


def unknown_version(where: str, version: int, ours: int) -> Problem:
    """A layout that this version of mdf_magics can't read, or must not write."""
    newer = version > ours
    return Problem(
        "unknown-version",
        f"{where} was written by a version of mdf_magics that is "
        f"{'newer' if newer else 'older'} than this one",
        f"Its layout is number {version}, this version reads number {ours}.\n"
        + (
            "Install the newest one:  pip install --upgrade mdf_magics"
            if newer
            else "Install the version that wrote it."
        ),
    )


def lease_lost(target: str, fence: int, holder: Holder | None) -> LeaseLost:
    """Our lease is not ours any more: who has it, and that running again is safe."""
    now = (
        f"now {holder.deployed_by} has it (fence {holder.fence})"
        if holder and holder.fence != fence
        else f"{holder.freed_by} freed it by force"
        if holder and holder.freed_by
        else "it was given back"
    )
    return LeaseLost(
        Problem(
            "lease-lost",
            f"the lease on {target} (fence {fence}) was lost: {now}",
            "This deploy was silent for too long and has stopped. Nothing more was\n"
            "written to the state. Run it again: it does only what is left.",
        )
    )


def rewritten(where: str, found: int, last: int) -> StateError:
    """Somebody else wrote under our lease: it isn't the table that we took it in."""
    return StateError(
        Problem(
            "state-damaged",
            f"{where} was changed by other means while it was locked: its last row is "
            f"number {found}, and we wrote number {last}",
            "Nothing more was written. Look at  mdf history , and plan again.",
        )
    )


def illegible(where: str) -> StateError:
    """A row holds what mdf_magics doesn't write: no number, or no time."""
    return StateError(
        Problem(
            "state-damaged",
            f"{where} holds a row whose numbers or times can't be read",
            "Somebody has changed it by hand. Restore it from a copy, or move the\n"
            "state away and say  mdf state rebuild .",
        )
    )
