"""The names that a project knows: what may be written where a name is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mdf_magics.planning.steps import Planned


@dataclass(frozen=True)
class Vocabulary:
    """A project's names, each kind sorted."""

    tables: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Tables that are read and that no definition makes, with three parts."""
    transformations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For each transformation its parameters with their types."""
    groups: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    """Names of `${var.x}`."""


def vocabulary_of(planned: Planned) -> Vocabulary:
    """The names of a target's definitions."""
    declared = planned.expansion.declared
    groups = {*planned.project.groups, *(one.group for one in planned.tables.values())}
    sources = {name for names in planned.graph.sources.values() for name in names}
    return Vocabulary(
        tables=tuple(sorted(planned.tables)),
        sources=tuple(sorted(sources)),
        transformations={
            name: {key: one.type for key, one in declared[name].items()}
            for name in sorted(declared)
        },
        groups=tuple(sorted(groups)),
        targets=tuple(sorted(planned.project.targets)),
        variables=tuple(
            sorted({*planned.project.variables, *planned.target.variables})
        ),
    )
