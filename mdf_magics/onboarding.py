"""Takes a person from source tables to one entry that makes a table of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from mdf_magics.adding import CellText, cell_text
from mdf_magics.definitions.editing import with_value
from mdf_magics.definitions.entries import Entry
from mdf_magics.definitions.flow_text import flow_text
from mdf_magics.definitions.loading import Definitions
from mdf_magics.definitions.names import table_fault
from mdf_magics.definitions.reading import read_document
from mdf_magics.definitions.recalling import recalled
from mdf_magics.engines import Engine
from mdf_magics.engines.browsing import TableDetails
from mdf_magics.errors import (
    DefinitionError,
    EngineError,
    Problem,
    Source,
    did_you_mean,
)
from mdf_magics.planning.steps import Planned
from mdf_magics.running.preview import Previewer
from mdf_magics.transformations.parameters import Parameter
from mdf_magics.transformations.proposing import proposed_arguments

COPY = Parameter("source", "table")
"""What a table takes that copies its source as it is."""


@dataclass(frozen=True)
class Choice:
    """Which sources become which tables."""

    sources: tuple[str, ...]
    """As arguments name them: `bronze.orders`, `crm.sales.orders`."""
    into: str
    """What the tables are called: `silver.{name}`, with `{schema}` too."""
    transformation: str | None = None
    """None: each source is copied as it is."""
    group: str | None = None
    write: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Values for all tables."""
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Source to values for its table alone."""


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
                message, hint = f'the name "{name}" of {source} {fault}', _INTO
                problems.append(Problem("bad-name", message, hint))
            rows.append((name, source, arguments))
        problems += _missing(parameters, rows)
        if not rows:
            problems.append(Problem("no-sources", "no source table is chosen"))
        if problems:
            raise DefinitionError(*problems)
        entry = _Entry.of(choice, rows)
        stored = self._stored(entry.template, choice.transformation)
        text = grown(stored, entry) if stored else entry.text(parameters)
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


def target_name(into: str, source: str) -> str:
    """What the table of a source is called, in lower case and without odd characters.

    Raises:
        DefinitionError: The template has another placeholder.
    """
    *_, schema, name = source.split(".")
    known = {"name": name, "schema": schema}

    def filled(found: re.Match[str]) -> str:
        if found[1] not in known:
            message = f"{{{found[1]}}} is nothing that a name can be made of"
            raise DefinitionError(Problem("bad-name", message, _INTO))
        return re.sub(r"\W", "_", known[found[1]].lower())

    return re.sub(r"\{(\w*)\}", filled, into)


def command(patterns: Sequence[str], choice: Choice) -> str:
    """The line that does the same without a form."""
    words = ["%mdf_onboard", *patterns]
    if choice.transformation:
        words += ["--transformation", choice.transformation]
    words += ["--into", choice.into]
    words += ["--group", choice.group] if choice.group else []
    words += ["--write", choice.write] if choice.write else []
    if choice.arguments or choice.own:
        said = {**choice.arguments, **{k: dict(v) for k, v in choice.own.items() if v}}
        words += ["--arguments", f"'{flow_text(said).replace(chr(39), chr(34))}'"]
    return " ".join(words)


_LINE = (
    "Write  mdf onboard 'bronze.*' --into 'silver.{name}' ;"
    " %mdf_onboard alone has a form."
)

_INTO = "Write  --into silver.{name} : {name} and {schema} are those of the source."


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


@dataclass(frozen=True)
class _Entry:
    """One entry that makes all tables: what is the same for all is written once."""

    choice: Choice
    template: str
    lists: Mapping[str, list[Any]]
    """What `for_each` walks."""
    arguments: Mapping[str, Any]

    @classmethod
    def of(
        cls, choice: Choice, rows: Sequence[tuple[str, str, dict[str, Any]]]
    ) -> _Entry:
        """The entry for tables, their sources and their arguments."""
        named = [(name, source) for name, source, _ in rows]
        template, names = _template(choice.into, named)
        lists: dict[str, list[Any]] = {"name": names}
        arguments: dict[str, Any] = {}
        for key in dict.fromkeys(key for _, _, own in rows for key in own):
            values = [own.get(key) for _, _, own in rows]
            common = _with_name(values, names)
            if common is not None:
                arguments[key] = common
            elif all(value == values[0] for value in values):
                arguments[key] = values[0]
            else:
                lists[key] = values
                arguments[key] = f"${{each.{key}}}"
        return cls(choice, template, lists, arguments)

    def text(self, parameters: Mapping[str, Parameter]) -> str:
        """The cell."""
        choice = self.choice
        lines = ["for_each:"]
        lines += [f"  {key}: {flow_text(one)}" for key, one in self.lists.items()]
        lines.append(f"name: {self.template}")
        lines += [f"group: {choice.group}"] if choice.group else []
        # What is read bit by bit is appended.
        streamed = any(one.type == "stream" for one in parameters.values())
        write = choice.write or ("append" if streamed else None)
        lines += [f"write: {write}"] if write else []
        if choice.transformation:
            return "\n".join([*lines, f"arguments: {flow_text(dict(self.arguments))}"])
        source = {"type": COPY.type, "value": self.arguments[COPY.name]}
        return "\n".join(
            [
                *lines,
                f"parameters: {flow_text({COPY.name: source})}",
                "---",
                f"SELECT * FROM {{{{ {COPY.name} }}}}",
            ]
        )


def grown(stored: Entry, more: _Entry) -> str:
    """The cell of an entry, whose lists have got what is new.

    Raises:
        DefinitionError: Its `for_each` has other lists.
    """
    has = stored.value.get("for_each")
    if not isinstance(has, dict) or set(has) != set(more.lists):
        message = f"the entry {stored.name} is there already, with another for_each"
        hint = "Add to its lists there, or say other names with  --into ."
        raise DefinitionError(Problem("duplicate-entry", message, hint, stored.place()))
    new = [
        number
        for number, name in enumerate(more.lists["name"])
        if name not in has["name"]
    ]
    cell = recalled(stored, is_table=True)
    header, line, body = cell.partition("\n")[2].partition("\n---\n")
    for key, values in has.items():
        both = [*values, *(more.lists[key][number] for number in new)]
        document = read_document(Source("", header))
        header = with_value(document, ("for_each",), key, flow_text(both))
    return f"{header}{line}{body}"


def _template(into: str, rows: Sequence[tuple[str, str]]) -> tuple[str, list[str]]:
    """The entry's name with `${each.name}` in it, and the values of that."""
    before, _, after = into.partition("{name}")
    if "{" not in before + after and into.count("{name}") == 1:
        names = [name[len(before) : len(name) - len(after)] for name, _ in rows]
        return f"{before}${{each.name}}{after}", names
    return "${each.name}", [name for name, _ in rows]


def _with_name(values: Sequence[Any], names: Sequence[str]) -> str | None:
    """One text with `${each.name}` for values that differ only by the names."""
    if not all(isinstance(value, str) for value in values):
        return None
    templates = {
        value.removesuffix(name) if value.endswith(f".{name}") else ""
        for value, name in zip(values, names, strict=True)
    }
    one = templates.pop() if len(templates) == 1 else ""
    return f"{one}${{each.name}}" if one else None


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
