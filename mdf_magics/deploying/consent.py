"""Whether the user has agreed to what a plan does. Nobody is asked here: it refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.ownership import Ownership
from mdf_magics.deploying.plan import Plan
from mdf_magics.errors import ConsentMissing, Problem
from mdf_magics.plain_text import count
from mdf_magics.state.protocol import JournalRow, Snapshot

LARGE = 4
"""Deleting more than one in so many resources takes their exact number."""


@dataclass(frozen=True)
class Consent:
    """What the user has agreed to beforehand."""

    delete: bool | int = False
    """True agrees to deletions; a number to exactly so many."""
    yes: bool = False
    """Agrees to rebuilds, to moves, and to going back to an older commit."""
    rebuild: frozenset[str] = frozenset()
    """Tables that may begin anew, although they may come to other rows by that."""
    command: str = "deploy"
    """The command that words are to be added to: `deploy` or `destroy`."""


NO_CONSENT = Consent()
"""Creating and updating needs none."""


def check_consent(
    plan: Plan,
    state: Snapshot,
    ownership: Ownership,
    origin: Origin,
    consent: Consent,
) -> None:
    """Refuse a plan that does more than was agreed to.

    Args:
        plan: What would be done.
        state: What is deployed now.
        ownership: What moves between resources, and what begins anew.
        origin: Where the deploy comes from.
        consent: What was agreed to.

    Raises:
        ConsentMissing: Something wants a word of the user; all of it at once. It says
            which consent would do.
    """
    asked = [
        _deletions(plan, len(state.resources), consent),
        _moves(plan, ownership, consent),
        _lost_rows(plan, ownership, consent),
        _older_commit(plan, state, origin, consent),
    ]
    missing = [asking for asking in asked if asking]
    if missing:
        enough = consent
        for asking in missing:
            enough = replace(enough, **asking.adds)
        problems = [asking.problem for asking in missing]
        last = problems[-1]
        problems[-1] = replace(last, hint=f"{last.hint}\n{_say(plan, enough)}")
        raise ConsentMissing(*problems, note="Nothing was changed.", enough=enough)


class _Asking(NamedTuple):
    problem: Problem
    adds: dict[str, Any]
    """The fields of a consent that would do."""


def _deletions(plan: Plan, deployed: int, consent: Consent) -> _Asking | None:
    deletions = plan.of("delete")
    number = len(deletions)
    large = number * LARGE > deployed
    exactly = not isinstance(consent.delete, bool)
    agreed = consent.delete == number if exactly else consent.delete and not large
    if not deletions or agreed:
        return None
    lines = []
    for action in deletions:
        remote_id = action.row.remote_id if action.row else None
        reason = "; ".join(action.reasons)
        lines.append(f"- {action.kind} {action.key} ({remote_id}): {reason}")
        if action.tables:
            lines.append(f"    its tables stay: {', '.join(action.tables)}")
    if number == deployed and consent.command == "deploy":
        lines.append("The definitions ask for none of them: are they all here?")
    problem = Problem(
        "needs-delete",
        f"this plan deletes {number} of {plan.target}'s {deployed} resources",
        "\n".join(lines),
    )
    return _Asking(problem, {"delete": number if large or exactly else True})


def _moves(plan: Plan, ownership: Ownership, consent: Consent) -> _Asking | None:
    """Rebuilds, and tables that another resource is to build."""
    moving = [
        action
        for action in plan.actions
        if action.is_change
        and (
            action.action == "rebuild"
            or any(one.is_move for one in ownership.taken[action.key])
        )
    ]
    if consent.yes or not moving:
        return None
    lines = [
        line
        for action in moving
        for line in (
            f"- {action.key}: {'; '.join(action.reasons)}",
            *(f"    {impact}" for impact in action.impact),
        )
    ]
    rebuilds = sum(action.action == "rebuild" for action in moving)
    verbs = [f"rebuilds {rebuilds}"] if rebuilds else []
    verbs += [f"moves tables to {len(moving) - rebuilds}"] if (
        len(moving) > rebuilds
    ) else []  # fmt: skip
    problem = Problem(
        "needs-yes",
        f"this plan {' and '.join(verbs)} of {plan.target}'s resources",
        "\n".join(lines),
    )
    return _Asking(problem, {"yes": True})


def _lost_rows(plan: Plan, ownership: Ownership, consent: Consent) -> _Asking | None:
    """Tables that begin anew and can't simply be computed again."""
    tables = sorted(
        one.table
        for action in plan.actions
        if action.is_change
        for one in ownership.taken[action.key]
        if one.loses_rows
    )
    if set(tables) <= consent.rebuild:
        return None
    lines = [
        f"- {table}: its rows so far are not in the new one"
        for table in tables
        if table not in consent.rebuild
    ]
    problem = Problem(
        "needs-rebuild",
        f"this plan begins {count(len(tables), 'table')} anew that grew with each run",
        "\n".join(lines),
    )
    return _Asking(problem, {"rebuild": frozenset(tables)})


def _older_commit(
    plan: Plan, state: Snapshot, origin: Origin, consent: Consent
) -> _Asking | None:
    newest = _newest(state)
    if consent.yes or origin.relation is None or newest is None:
        return None
    relation = origin.relation(newest.commit or "")
    stands = {"behind": "is older than", "diverged": _DIVERGED}
    if relation not in stands or (relation == "diverged" and origin.is_development):
        return None
    problem = Problem(
        "needs-yes",
        f"this commit {stands[relation]} the one deployed to {plan.target}",
        f"{newest.deployed_by} deployed {newest.commit} at {newest.at}.\n"
        "Merge it first.",
    )
    return _Asking(problem, {"yes": True})


def commit_warnings(state: Snapshot, origin: Origin) -> list[Problem]:
    """What is odd about the commit that is deployed, but no reason to stop."""
    newest = _newest(state)
    if origin.relation is None:
        return []
    if origin.commit is None:
        message = "this project is in no git repository"
        hint = "So nobody can tell later what was deployed, and older from newer."
        return [Problem("no-commit", message, hint, severity="warning")]
    if (
        origin.is_development
        and newest
        and origin.relation(newest.commit or "") == "diverged"
    ):
        message = f"this commit {_DIVERGED} the one deployed before, {newest.commit}"
        return [Problem("other-history", message, severity="warning")]
    return []


_DIVERGED = "has another history than"


def _newest(state: Snapshot) -> JournalRow | None:
    """The latest that was deployed from a commit."""
    rows = (row for row in state.resources.values() if row.commit)
    return max(rows, key=lambda row: row.seq, default=None)


def _say(plan: Plan, enough: Consent) -> str:
    """The command and the magic that agree to all of it."""
    words = []
    if enough.delete is not False:
        words.append(
            "--delete" if enough.delete is True else f"--delete {enough.delete}"
        )
    if enough.yes:
        words.append("--yes")
    if enough.rebuild:
        words.append(f"--rebuild {','.join(sorted(enough.rebuild))}")
    command, said = enough.command, " ".join(words)
    return (
        f"Say  mdf {command} -t {plan.target} {said}  or  "
        f"%mdf_{command} --target {plan.target} {said} ."
    )
