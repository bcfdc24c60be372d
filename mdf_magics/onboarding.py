"""Takes a person from source tables to one entry that makes a table of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from mdf_magics.adding import CellText, cell_text
from mdf_magics.definitions.entries import Entry
from mdf_magics.definitions.loading import Definitions
from mdf_magics.definitions.names import table_fault
from mdf_magics.definitions.reading import read_document
from mdf_magics.engines import Engine
from mdf_magics.engines.browsing import TableDetails
from mdf_magics.errors import (
    DefinitionError,
    EngineError,
    Problem,
    Source,
    did_you_mean,
)
from mdf_magics.onboarding_entry import COPY, INTO, Choice, TablesEntry, target_name
from mdf_magics.planning.steps import Planned
from mdf_magics.running.preview import Previewer
from mdf_magics.transformations.parameters import Parameter
from mdf_magics.transformations.proposing import proposed_arguments


@dataclass
class Onboarding:
    """Looks for sources and writes the cell that makes tables of them."""

    definitions: Definitions
    planned: Planned
    engine: Engine
    root: str
    _details: dict[str, TableDetails] = field(default_factory=dict)

    def choice(
        self,
        patterns: Sequence[str],
        into: str | None,
        transformation: str | None = None,
        group: str | None = None,
        write: str | None = None,
        arguments: str | None = None,
    ) -> Choice:
        """What a line says, with the sources that its patterns match.

        Args:
            patterns: Sources, such as `bronze.*`.
            into: What the tables are called: `silver.{name}`.
            transformation: What makes them; None: each is a copy.
            group: The group they are in.
            write: How they are written.
            arguments: YAML, for all tables, or under a source's name for one.

        Raises:
            DefinitionError: A pattern matches nothing, or something is missing.
            EngineError: The catalog can't be read.
        """
        if not patterns or not into:
            message = "onboarding wants sources, and what their tables are called"
            raise DefinitionError(Problem("wrong-usage", message, _LINE))
        found = dict.fromkeys(one for word in patterns for one in self.sources(word))
        for_all, own = _read_arguments(arguments or "", found)
        return Choice(tuple(found), into, transformation, group, write, for_all, own)

    def sources(self, pattern: str) -> list[str]:
        """The tables that a pattern such as `bronze.*` or `crm.sales.o*` matches.

        Those of this project are found whether they are built or not.

        Raises:
            DefinitionError: There is none.
            EngineError: The catalog can't be read.
        """
        parts = pattern.lower().split(".")
        parts += ["*"] if len(parts) == 1 else []
        schema, name = parts[-2:]
        catalog = parts[0] if len(parts) == 3 else self.own_catalog
        schemas = self.schemas(catalog)
        found = [
            source
            for one in schemas
            if fnmatchcase(one.lower(), schema)
            for source in self.tables(catalog, one)
            if fnmatchcase(source.lower().rpartition(".")[2], name)
        ]
        if not found:
            message = f'no table is called "{pattern}"'
            hint = did_you_mean(schema, schemas) or f"{catalog} has no schemas."
            raise DefinitionError(Problem("unknown-table", message, hint))
        return found

    @property
    def own_catalog(self) -> str:
        """The catalog that two-part names of sources are in."""
        return self.planned.expansion.homes.source_catalog

    def catalogs(self) -> list[str]:
        """The catalogs there are, that of the sources first."""
        others = {*self.engine.catalog.catalogs(), self.planned.target.catalog}
        return [self.own_catalog, *sorted(others - {self.own_catalog})]

    def schemas(self, catalog: str) -> list[str]:
        """The schemas of a catalog, with those of tables that aren't built yet."""
        found = {*self.engine.catalog.schemas(catalog)}
        if catalog == self.own_catalog:
            found |= {name.partition(".")[0] for name in self.planned.tables}
        return sorted(found)

    def tables(self, catalog: str, schema: str) -> list[str]:
        """The tables of a schema, as arguments name them, built or not."""
        found = set()
        if schema in self.engine.catalog.schemas(catalog):
            listed = self.engine.catalog.tables(catalog, schema)
            found = {self._written(catalog, schema, one.name) for one in listed}
        if catalog == self.own_catalog:
            ours = self.planned.tables
            found |= {name for name in ours if name.startswith(f"{schema}.")}
        return sorted(found)

    def _written(self, catalog: str, schema: str, table: str) -> str:
        """How an argument names a table that a catalog lists."""
        homes = self.planned.expansion.homes
        home = f"{catalog}.{schema}.{table}"
        if own := homes.ours(home.lower()):
            return own
        return f"{schema}.{table}" if catalog == homes.source_catalog else home

    def details(self, source: str) -> TableDetails:
        """The columns and keys of a source, read or worked out from its definition.

        Raises:
            EngineError: It can't be read.
        """
        if source not in self._details:
            home = self.planned.expansion.homes.resolve(source)
            if self.engine.exists(home):
                found = self.engine.catalog.details(*home.split("."))
            else:
                found = self._defined(source)
            self._details[source] = found
        return self._details[source]

    def parameters(self, transformation: str | None) -> Mapping[str, Parameter]:
        """What a transformation declares.

        Raises:
            DefinitionError: There is no such transformation.
        """
        if transformation is None:
            return {COPY.name: COPY}
        declared = self.planned.expansion.declared
        if transformation not in declared:
            message = f'there is no transformation "{transformation}"'
            hint = did_you_mean(transformation, declared, limit=20)
            raise DefinitionError(Problem("unknown-transformation", message, hint))
        return declared[transformation]

    def arguments(self, choice: Choice, source: str) -> dict[str, Any]:
        """The arguments of a source's table: proposed, said for all, said for it."""
        details = self.details(source)
        columns = {one.name: one.type for one in details.columns}
        parameters = self.parameters(choice.transformation)
        proposed = proposed_arguments(parameters, source, columns, details.primary_key)
        return {**proposed, **choice.arguments, **choice.own.get(source, {})}

    def cell(self, choice: Choice) -> CellText:
        """The cell that makes the tables.

        Raises:
            DefinitionError: Arguments are missing, or names don't fit; all at once.
            EngineError: A source can't be read.
        """
        parameters = self.parameters(choice.transformation)
        problems: list[Problem] = []
        rows: list[tuple[str, str, dict[str, Any]]] = []
        for source in choice.sources:
            name = target_name(choice.into, source)
            arguments = self.arguments(choice, source)
            if fault := table_fault(name):
                message, hint = f'the name "{name}" of {source} {fault}', INTO
                problems.append(Problem("bad-name", message, hint))
            rows.append((name, source, arguments))
        problems += _missing(parameters, rows)
        if not rows:
            problems.append(Problem("no-sources", "no source table is chosen"))
        if problems:
            raise DefinitionError(*problems)
        entry = TablesEntry.of(choice, rows)
        stored = self._stored(entry.template, choice.transformation)
        text = entry.growing(stored) if stored else entry.text(parameters)
        return cell_text("mdf_tables", choice.transformation or "", text)

    def _stored(self, template: str, transformation: str | None) -> Entry | None:
        """The entry that makes tables of this kind already."""
        return next(
            (
                one
                for one in self.definitions.tables
                if (one.name, one.transformation) == (template, transformation)
            ),
            None,
        )

    def _defined(self, source: str) -> TableDetails:
        from mdf_magics.engines.browsing import TableColumn

        previewer = Previewer(self.planned, self.engine, self.root)
        if source not in self.planned.tables:
            message = f"there is no table {source}"
            raise EngineError(Problem("unknown-table", message))
        columns = previewer.schema(source)
        keys = tuple(self.planned.tables[source].settings.keys)
        named = tuple(TableColumn(one.name, one.type) for one in columns)
        return TableDetails(named, keys)


_LINE = (
    "Write  mdf onboard 'bronze.*' --into 'silver.{name}' ;"
    " %mdf_onboard alone has a form."
)


def _missing(
    parameters: Mapping[str, Parameter],
    rows: Sequence[tuple[str, str, Mapping[str, Any]]],
) -> Iterator[Problem]:
    for one in parameters.values():
        without = [
            source
            for _, source, arguments in rows
            if one.required and one.name not in arguments
        ]
        if without:
            message = f'nothing is known for "{one.name}" ({one.type}) of '
            hint = f"Say it for all:  --arguments '{{{one.name}: ...}}'  or for one:  "
            hint += f"--arguments '{{{without[0]}: {{{one.name}: ...}}}}' ."
            yield Problem("missing-argument", message + ", ".join(without), hint)


def _read_arguments(
    text: str, sources: Iterable[str]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Values for all tables, and those that are said for one source alone."""
    document = read_document(Source("", text))
    given = {} if document.value is None else document.value
    if document.problems or not isinstance(given, dict):
        message = "--arguments is no YAML mapping"
        hint = "Write  --arguments '{order_by: loaded_at}' ."
        raise DefinitionError(*document.problems, Problem("wrong-usage", message, hint))
    known = set(sources)
    own = {
        key: value
        for key, value in given.items()
        if key in known and isinstance(value, dict)
    }
    return {key: value for key, value in given.items() if key not in own}, own
