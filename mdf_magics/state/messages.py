"""What every store says when it must refuse."""

from __future__ import annotations

from mdf_magics.errors import LeaseLost, Locked, Problem
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


def lease_lost(target: str, fence: int, holder: Holder | None) -> LeaseLost:
    """Our lease is not ours any more: who has it, and that running again is safe."""
    now = (
        f"now {holder.deployed_by} has it (fence {holder.fence})"
        if holder and holder.fence != fence
        else "it was freed by force"
    )
    return LeaseLost(
        Problem(
            "lease-lost",
            f"the lease on {target} (fence {fence}) was lost: {now}",
            "This deploy was silent for too long and has stopped. Nothing more was\n"
            "written to the state. Run it again: it does only what is left.",
        )
    )
