"""Entries become tables: defaults merged, `for_each` unrolled, references resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.loading import Body, Definitions, Entry
from mdf_magics.definitions.names import Homes, table_fault
from mdf_magics.definitions.substitution import Scope, UnknownReference, references
from mdf_magics.errors import Place, Problem, did_you_mean
from mdf_magics.transformations.arguments import (
    bound_arguments,
    bound_values,
    declared_parameters,
)
from mdf_magics.transformations.parameters import Parameter

_MERGED = ("arguments", "tags", "columns")


@dataclass(frozen=True)
class Table:
    """One table of a target, with everything resolved."""

    name: str
    """`schema.table`"""
    home: str
    """`catalog.prefix_schema.table`"""
    group: str
    settings: models.Table
    body: Body
    function: str
    """What its body is called in generated code."""
    parameters: dict[str, Parameter]
    arguments: dict[str, Any]
    """Typed values, defaults included except those of a Python signature."""
    entry: Entry
    template: str
    """The entry's name as written, the same for all tables of a `for_each`."""

    @property
    def place(self) -> Place:
        """Where the definitions name it."""
        return self.entry.place()


@dataclass(frozen=True)
class Expansion:
    """All tables of a target, by name."""

    tables: dict[str, Table]
    homes: Homes
    problems: tuple[Problem, ...]


def expand(definitions: Definitions, target: models.Target, scope: Scope) -> Expansion:
    """Turn the definitions' entries into one target's tables.

    Args:
        definitions: What is written.
        target: The target.
        scope: What `${target.x}`, `${var.x}` and `${user}` are there.
    """
    problems: list[Problem] = []
    named = [
        (entry, each, name)
        for entry in definitions.tables
        for each, name in _names(entry, scope, problems)
    ]
    _refuse_twins(named, problems)
    homes = _homes(target, scope, frozenset(name for _, _, name in named), problems)
    tables: dict[str, Table] = {}
    for entry, each, name in named:
        table = _table(entry, each, name, definitions, scope, homes, problems)
        if table is not None:
            tables.setdefault(name, table)
    return Expansion(tables, homes, tuple(dict.fromkeys(problems)))


def expanded_names(entry: Entry, scope: Scope) -> list[str]:
    """The names of the tables that an entry makes; problems are left out."""
    return [name for _, name in _names(entry, scope, [])]


def _homes(
    target: models.Target, scope: Scope, names: frozenset[str], problems: list[Problem]
) -> Homes:
    written = {
        "catalog": target.catalog,
        "source_catalog": target.source_catalog or target.catalog,
        "schema_prefix": target.schema_prefix,
    }
    resolved = {}
    for key, value in written.items():
        try:
            resolved[key] = str(scope.substitute(value))
        except UnknownReference as error:
            message = f"in {key}: {error}"
            problems.append(Problem("unknown-reference", message, error.hint))
            resolved[key] = value
    return Homes(tables=names, **resolved)


def _names(
    entry: Entry, scope: Scope, problems: list[Problem]
) -> Iterator[tuple[dict[str, Any], str]]:
    for each in _items(entry, scope, problems):
        try:
            name = Scope({"each": each}).substitute(entry.name)
        except UnknownReference as error:
            place = entry.document.place((*entry.path, "name"))
            message = f"{error}; a name uses ${{each.x}} only"
            problems.append(Problem("unknown-reference", message, error.hint, place))
            return
        fault = table_fault(str(name))
        if fault:
            place = entry.document.place((*entry.path, "name"))
            message = f'the table name "{name}" {fault}'
            problems.append(Problem("bad-name", message, "", place))
        else:
            yield each, str(name)


def _items(entry: Entry, scope: Scope, problems: list[Problem]) -> list[dict[str, Any]]:
    """What `${each.x}` is, once for each table of the entry."""
    if "for_each" not in entry.value:
        return [{}]
    value = entry.value["for_each"]
    place = entry.place(("for_each",))
    try:
        value = scope.substitute(value)
    except UnknownReference as error:
        problems.append(Problem("unknown-reference", str(error), error.hint, place))
        return []
    if (
        isinstance(value, list)
        and value
        and all(isinstance(one, dict) for one in value)
    ):
        first = set(value[0])
        for number, one in enumerate(value):
            if set(one) != first:
                here = entry.place(("for_each", number))
                keys = ", ".join(sorted(first ^ set(one)))
                message = f"the items of for_each differ in their keys: {keys}"
                hint = "Give every item the same keys."
                problems.append(Problem("for-each", message, hint, here))
                return []
        return value
    if (
        not isinstance(value, dict)
        or not value
        or not all(isinstance(one, list) for one in value.values())
    ):
        hint = "Write  {what: [a, b]}  or a list of mappings."
        message = "for_each is a mapping of lists, or a list of mappings"
        problems.append(Problem("for-each", message, hint, place))
        return []
    lengths = {key: len(items) for key, items in value.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{key} has {count}" for key, count in lengths.items())
        message = f"the lists of for_each are not equally long: {said}"
        hint = "They are walked side by side: one value each for every table."
        problems.append(Problem("for-each", message, hint, place))
        return []
    if 0 in lengths.values():
        message = "for_each has no items, so this entry makes no table"
        problems.append(Problem("for-each", message, "Remove the entry.", place))
    return [
        dict(zip(value, items, strict=True))
        for items in zip(*value.values(), strict=True)
    ]


def _refuse_twins(
    named: list[tuple[Entry, dict[str, Any], str]], problems: list[Problem]
) -> None:
    first: dict[str, Entry] = {}
    entries: dict[tuple[str, str | None], Entry] = {}
    for entry, _, name in named:
        if name in first:
            message = f'the table "{name}" is there already, in {first[name].place()}'
            hint = "A table is made once: rename or remove one of them."
            problems.append(Problem("duplicate-table", message, hint, entry.place()))
        first.setdefault(name, entry)
        if "for_each" in entry.value:
            key = entry.name, entry.transformation
            if entries.setdefault(key, entry) is not entry:
                message = f"the entry {entry.name} is there already, in {entries[key].place()}"
                hint = "Put both lists into one entry: they have one name and transformation."
                problems.append(
                    Problem("duplicate-entry", message, hint, entry.place())
                )


def _table(
    entry: Entry,
    each: Mapping[str, Any],
    name: str,
    definitions: Definitions,
    scope: Scope,
    homes: Homes,
    problems: list[Problem],
) -> Table | None:
    merged = _merged(entry, definitions)
    settings = _settings(entry, {**merged, "name": name}, each, scope, problems)
    if settings is None:
        return None
    body = entry.body
    if settings.transformation is not None and body is None:
        found = definitions.transformations.get(settings.transformation)
        if found is None or found.body is None:
            problems.append(_unknown_transformation(entry, settings, definitions))
            return None
        body = found.body
        parameters, faults = declared_parameters(found)
        problems += faults
        arguments = bound_arguments(settings, found, parameters, entry, problems)
        function = settings.transformation
    elif body is not None:
        parameters, arguments = bound_values(settings, body, entry, problems)
        function = _function_name(entry.name)
    else:
        message = f"{name} has neither a transformation nor a body"
        hint = "Give it  transformation: ,  sql: |  or  python: | ."
        problems.append(Problem("missing-body", message, hint, entry.place()))
        return None
    return Table(
        name=name,
        home=homes.home(name),
        group=settings.group or name.partition(".")[0],
        settings=settings,
        body=body,
        function=function,
        parameters=parameters,
        arguments=arguments,
        entry=entry,
        template=entry.name,
    )


def _merged(entry: Entry, definitions: Definitions) -> dict[str, Any]:
    """The entry's keys over the file's defaults."""
    own = {key: value for key, value in entry.value.items() if key != "for_each"}
    if not entry.defaults:
        return own
    result = {**entry.defaults, **own}
    if entry.body is not None:
        result.pop("transformation", None)
        result.pop("arguments", None)
    for key in _MERGED:
        inherited, written = entry.defaults.get(key), own.get(key, {})
        if isinstance(inherited, dict) and isinstance(written, dict):
            if key == "arguments":
                inherited = _declared_only(inherited, entry, definitions)
            if key in result:
                result[key] = {**inherited, **written}
    return result


def _declared_only(
    inherited: dict[str, Any], entry: Entry, definitions: Definitions
) -> dict[str, Any]:
    """Default arguments, where the entry's transformation declares them."""
    found = definitions.transformations.get(entry.transformation or "")
    if found is None:
        return inherited
    parameters, _ = declared_parameters(found)
    return {key: value for key, value in inherited.items() if key in parameters}


def _settings(
    entry: Entry,
    merged: dict[str, Any],
    each: Mapping[str, Any],
    scope: Scope,
    problems: list[Problem],
) -> models.Table | None:
    inner = scope.with_each(each)
    resolved = {}
    failed = False
    for key, value in merged.items():
        if key in ("sql", "python", "name"):
            resolved[key] = value
            continue
        try:
            used = Scope({"each": each}) if key == "group" else inner
            resolved[key] = used.substitute(value)
        except UnknownReference as error:
            failed = True
            place = _reference_place(entry, (key,), error.reference)
            problems.append(Problem("unknown-reference", str(error), error.hint, place))
    if failed:
        return None
    settings, found = checked(
        models.Table, resolved, lambda at, on_key: entry.place(at, key=on_key)
    )
    problems += found
    return settings


def _reference_place(
    entry: Entry, path: tuple[str | int, ...], reference: str
) -> Place:
    """Where the value that holds a reference stands, as deep as it can be found."""
    value: Any = entry.value
    for step in path:
        if not isinstance(value, dict | list):
            break
        value = value[step] if isinstance(value, list) else value.get(step)
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, item in items:
        if reference in references(item):
            return _reference_place(entry, (*path, step), reference)
    return entry.place(path)


def _unknown_transformation(
    entry: Entry, settings: models.Table, definitions: Definitions
) -> Problem:
    name = settings.transformation or ""
    message = f'there is no transformation "{name}"'
    hint = did_you_mean(name, definitions.transformations)
    if not hint:
        hint = f"Define it first:  %%mdf_transformation {name}"
    return Problem(
        "unknown-transformation", message, hint, entry.place(("transformation",))
    )


def _function_name(template: str) -> str:
    """`schema__table`, for an entry `bronze.${each.what}` `bronze__each_what`."""
    plain = template.replace("${", "").replace("}", "")
    schema, _, table = plain.partition(".")
    return f"{schema}__{table.replace('.', '_')}"
