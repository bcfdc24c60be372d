"""What the Delta store says when a server won't let it, before anything is changed."""

from __future__ import annotations

from mdf_magics.errors import Problem, StateError, StateUnreachable
from mdf_magics.state.statements import StatementFailed, quoted


def refusal(failure: StatementFailed | None, where: str) -> StateError:
    """The error for a statement that failed for good.

    Args:
        failure: Why; None: it was never tried.
        where: The journal's full name.
    """
    catalog, schema, _ = where.split(".")
    said = failure.message.strip().splitlines()[0] if failure else ""
    match failure.reason if failure else "lost":
        case "catalog":
            return _refused(
                "unknown-catalog",
                f"there is no catalog {catalog} for the state: {said}",
                "Check `catalog` of the target in definitions/mdf.yml, and that you\n"
                "may use it.",
            )
        case "denied":
            return _refused(
                "state-denied",
                f"no permission on the state in {catalog}.{schema}: {said}",
                f"Whoever deploys needs it; ask the owner:\n"
                f"GRANT USE CATALOG ON CATALOG {quoted(catalog)} TO ...\n"
                f"GRANT USE SCHEMA, CREATE TABLE, SELECT, MODIFY ON SCHEMA "
                f"{quoted(f'{catalog}.{schema}')} TO ...",
            )
        case "warehouse":
            return _refused(
                "state-warehouse",
                f"the SQL warehouse of the state can't be used: {said}",
                "Check `state: {warehouse_id: ...}` of the target in "
                "definitions/mdf.yml;\nstart the warehouse, or ask for CAN USE on it.",
            )
        case "conflict" | "lost":
            return StateUnreachable(
                Problem(
                    "state-unreachable",
                    f"the state in {where} can't be reached: {said}",
                    "Run it again when the store answers: it does only what is left.",
                )
            )
        case _:
            return _refused(
                "state-refused", f"the state in {where} can't be used: {said}"
            )


def _refused(code: str, message: str, hint: str = "") -> StateError:
    return StateError(Problem(code, message, f"{hint}\nNothing was changed.".strip()))
