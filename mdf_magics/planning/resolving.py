"""References in `mdf.yml` itself: fields of a target, and of jobs and pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.reading import Document
from mdf_magics.definitions.substitution import Scope, UnknownReference, references
from mdf_magics.errors import Problem

_OF_A_TARGET = frozenset(models.Target.model_fields) - {"variables"}
_OF_A_PROJECT = frozenset({"groups", "job", "pipeline", "task", "orchestrate"})


def resolved_target(
    name: str,
    target: models.Target,
    scope: Scope,
    document: Document,
    problems: list[Problem],
) -> models.Target:
    """The target with its references resolved; its variables are left as written."""
    path = ("targets", name)
    return _resolved(target, path, _OF_A_TARGET, scope, document, problems)


def resolved_project(
    project: models.Project, scope: Scope, document: Document, problems: list[Problem]
) -> models.Project:
    """The project with the references in its groups and resources resolved."""
    return _resolved(project, (), _OF_A_PROJECT, scope, document, problems)


def path_to(reference: str, value: Any) -> tuple[str | int, ...]:
    """Where in a value a reference stands, as deep as keys and indexes lead."""
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, item in items:
        if reference in references(item):
            return step, *path_to(reference, item)
    return ()


def _resolved[M: models.Model](
    model: M,
    path: tuple[str, ...],
    keys: frozenset[str],
    scope: Scope,
    document: Document,
    problems: list[Problem],
) -> M:
    written = model.model_dump(by_alias=True, exclude_unset=True)
    for key in written.keys() & keys:
        value = written[key]
        try:
            written[key] = scope.substitute(value)
        except UnknownReference as error:
            place = document.place((*path, key, *path_to(error.reference, value)))
            problems.append(Problem("unknown-reference", str(error), error.hint, place))
    found, faults = checked(
        type(model), written, lambda at, key: document.place((*path, *at), key=key)
    )
    problems += faults
    return found or model
