"""Whether the user has agreed to what a plan does. Nobody is asked here: it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.plan import Plan
from mdf_magics.errors import ConsentMissing, Problem
from mdf_magics.state.protocol import Snapshot

LARGE = 4
"""Deleting more than one in so many resources takes their exact number."""


@dataclass(frozen=True)
class Consent:
    """What the user has agreed to beforehand."""

    delete: bool | int = False
    """True agrees to deletions; a number to exactly so many."""
    yes: bool = False
    """Agrees to rebuilds, to moves, and to going back to an older commit."""
    command: str = "deploy"
    """The command that words are to be added to: `deploy` or `destroy`."""


NO_CONSENT = Consent()
"""Creating and updating needs none."""


def check_consent(
    plan: Plan, state: Snapshot, origin: Origin, consent: Consent
) -> None:
    """Refuse a plan that does more than was agreed to.

    Args:
        plan: What would be done.
        state: What is deployed now.
        origin: Where the deploy comes from.
        consent: What was agreed to.

    Raises:
        ConsentMissing: Something wants a word of the user; all of it at once.
    """
    asked = [
        _deletions(plan, len(state.resources), consent),
        _rebuilds(plan, len(state.resources), consent),
        _older_commit(plan, state, origin, consent),
    ]
    problems = [problem for problem in asked if problem]
    if problems:
        raise ConsentMissing(*problems, note="Nothing was changed.")


def _deletions(plan: Plan, deployed: int, consent: Consent) -> Problem | None:
    deletions = plan.of("delete")
    count = len(deletions)
    large = count * LARGE > deployed
    exactly = not isinstance(consent.delete, bool)
    agreed = consent.delete == count if exactly else consent.delete and not large
    if not deletions or agreed:
        return None
    lines = []
    for action in deletions:
        remote_id = action.row.remote_id if action.row else None
        reason = "; ".join(action.reasons)
        lines.append(f"- {action.kind} {action.key} ({remote_id}): {reason}")
        if action.tables:
            lines.append(f"    its tables stay: {', '.join(action.tables)}")
    option = f"delete {count}" if large or exactly else "delete"
    return Problem(
        "needs-delete",
        f"this plan deletes {count} of {plan.target}'s {deployed} resources",
        "\n".join([*lines, _say(plan, consent, option)]),
    )


def _rebuilds(plan: Plan, deployed: int, consent: Consent) -> Problem | None:
    rebuilds = plan.of("rebuild")
    if consent.yes or not rebuilds:
        return None
    lines = [f"- {action.key}: {'; '.join(action.reasons)}" for action in rebuilds]
    return Problem(
        "needs-yes",
        f"this plan rebuilds {len(rebuilds)} of {plan.target}'s {deployed} resources",
        "\n".join([*lines, _say(plan, consent, "yes")]),
    )


def _older_commit(
    plan: Plan, state: Snapshot, origin: Origin, consent: Consent
) -> Problem | None:
    if consent.yes:
        return None
    newest = max(state.resources.values(), key=lambda row: row.seq, default=None)
    if origin.relation is None or newest is None or not newest.commit:
        return None
    relation = origin.relation(newest.commit)
    stands = {"behind": "is older than", "diverged": "has another history than"}
    if relation not in stands:
        return None
    return Problem(
        "needs-yes",
        f"this commit {stands[relation]} the one deployed to {plan.target}",
        f"{newest.deployed_by} deployed {newest.commit} at {newest.at}.\n"
        f"Merge it first. {_say(plan, consent, 'yes')}",
    )


def _say(plan: Plan, consent: Consent, option: str) -> str:
    command = consent.command
    return (
        f"Say  mdf {command} -t {plan.target} --{option}  or  "
        f"%mdf_{command} --target {plan.target} --{option} ."
    )
