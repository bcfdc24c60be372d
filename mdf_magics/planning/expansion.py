"""Entries become tables: defaults merged, `for_each` unrolled, references resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.loading import Body, Definitions, Entry
from mdf_magics.definitions.names import QUARANTINE, Homes, table_fault
from mdf_magics.definitions.substitution import Scope, UnknownReference
from mdf_magics.errors import Place, Problem, did_you_mean
from mdf_magics.planning.resolving import path_to
from mdf_magics.transformations.arguments import (
    bound_arguments,
    bound_values,
    declared_parameters,
)
from mdf_magics.transformations.parameters import Parameter

_MERGED = ("arguments", "tags", "columns")

type Turn = tuple[dict[str, Any], str]
"""What `${each.x}` is for one table of an entry, and the table's name."""

_SAME = "The tables and their groups are the same for all targets."

_CONTEXTS: list[Hashable] = []
_MOST_CONTEXTS = 3


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
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out from it, also before its entry moved in its file."""

    def once[T](self, make: Callable[[Table], T]) -> T:
        """What `make` makes of this table alone; remembered wherever its entry moves.

        A list that isn't empty is made anew: it holds problems, which have places.
        """
        if make in self.known:
            known: T = self.known[make]
            return known
        made = make(self)
        if not isinstance(made, list) or not made:
            self.known[make] = made
        return made

    def of(self, entry: Entry) -> Table:
        """The same table where its entry stands by now."""
        if entry is self.entry:
            return self
        moved = object.__new__(Table)  # replace() takes four times as long
        vars(moved).update(vars(self), entry=entry, body=entry.body or self.body)
        return moved

    @property
    def quarantine(self) -> str | None:
        """The table of its rejected rows; None where no rule sends any there."""
        rules = self.settings.expectations
        aside = any(rule.on_failure == "quarantine" for rule in rules)
        return f"{self.name}{QUARANTINE}" if aside else None

    @property
    def rejected_write(self) -> models.Write:
        """How its rejected rows are written: replaced, or each added once."""
        return "overwrite" if self.settings.write == "overwrite" else "append"

    @property
    def place(self) -> Place:
        """Where the definitions name it."""
        return self.entry.place()

    def argument_place(self, name: str) -> Place:
        """Where the value of a parameter stands."""
        path = ("parameters" if self.entry.body else "arguments", name)
        typed = (*path, "value")
        written = self.entry.document.has((*self.entry.path, *typed))
        return self.entry.place(typed if written else path)


@dataclass(frozen=True)
class Expansion:
    """All tables of a target, by name."""

    tables: dict[str, Table]
    declared: dict[str, dict[str, Parameter]]
    """The parameters of every transformation."""
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
    context = _context(definitions, target, scope)
    named = [
        (entry, entry.once("names", context, problems, partial(_named, entry, scope)))
        for entry in definitions.tables
    ]
    _refuse_twins(named, problems)
    homes = Homes(
        catalog=target.catalog,
        source_catalog=target.source_catalog or target.catalog,
        schema_prefix=target.schema_prefix,
        tables=frozenset(name for _, turns in named for _, name in turns),
    )
    declared: dict[str, dict[str, Parameter]] = {}
    for name, entry in definitions.transformations.items():
        declared[name], faults = declared_parameters(entry)
        problems += faults
    maker = _Maker(definitions.transformations, declared, scope, homes)
    tables: dict[str, Table] = {}
    for entry, turns in named:
        make = partial(maker.tables, entry, turns)
        for table in entry.once("tables", context, problems, make):
            tables.setdefault(table.name, table.of(entry))
    return Expansion(tables, declared, homes, tuple(dict.fromkeys(problems)))


def maker_of(table: str, entries: Iterable[Entry]) -> Entry | None:
    """The entry that makes a table; None when none does."""
    for entry in entries:
        if "for_each" not in entry.value:
            if entry.value["name"] == table:
                return entry
        elif table in _own_names(entry):
            return entry
    return None


def _own_names(entry: Entry) -> list[str]:
    """The names of the tables that an entry makes; problems are left out."""
    named = partial(_named, entry, Scope({}))
    return [name for _, name in entry.once("own names", (), [], named)]


def _named(entry: Entry, scope: Scope, problems: list[Problem]) -> list[Turn]:
    """What `${each.x}` is and the table's name, for each table of the entry."""
    turns: list[Turn] = []
    for each in _items(entry, scope, problems):
        try:
            name = Scope({"each": each}).substitute(entry.name)
        except UnknownReference as error:
            place = entry.document.place((*entry.path, "name"))
            message = f"{error}; a name uses ${{each.x}} only"
            problems.append(Problem("unknown-reference", message, _SAME, place))
            return turns
        fault = table_fault(str(name))
        if fault:
            place = entry.document.place((*entry.path, "name"))
            message = f'the table name "{name}" {fault}'
            problems.append(Problem("bad-name", message, "", place))
        else:
            turns.append((each, str(name)))
    return turns


def _context(definitions: Definitions, target: models.Target, scope: Scope) -> Hashable:
    """All that an entry's tables depend on besides itself and its file's defaults.

    Equal contexts are one object, so that comparing them for every entry costs nothing.
    """
    context = (
        repr((target, scope.values, scope.user() if scope.user else None)),
        tuple(
            (name, one.document.source.text, one.body.text if one.body else "")
            for name, one in definitions.transformations.items()
        ),
    )
    if context not in _CONTEXTS:
        del _CONTEXTS[:-_MOST_CONTEXTS]
        _CONTEXTS.append(context)
    return _CONTEXTS[_CONTEXTS.index(context)]


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
    named: list[tuple[Entry, list[Turn]]], problems: list[Problem]
) -> None:
    first: dict[str, Entry] = {}
    entries: dict[tuple[str, str | None], Entry] = {}
    for entry, turns in named:
        for _, name in turns:
            if name not in first:
                first[name] = entry
                continue
            message = f'the table "{name}" is there already, in {first[name].place()}'
            hint = "A table is made once: rename or remove one of them."
            problems.append(Problem("duplicate-table", message, hint, entry.place()))
        if turns and "for_each" in entry.value:
            key = entry.name, entry.transformation
            if entries.setdefault(key, entry) is not entry:
                first_place = entries[key].place()
                message = f"the entry {entry.name} is there already, in {first_place}"
                hint = "Put both lists into one: they have one name and transformation."
                problem = Problem("duplicate-entry", message, hint, entry.place())
                problems.append(problem)


@dataclass(frozen=True)
class _Maker:
    """Makes a target's tables, one at a time."""

    transformations: Mapping[str, Entry]
    declared: Mapping[str, dict[str, Parameter]]
    """The parameters of each transformation."""
    scope: Scope
    homes: Homes
    problems: list[Problem] = field(default_factory=list)

    def tables(
        self, entry: Entry, turns: list[Turn], problems: list[Problem]
    ) -> list[Table]:
        """The tables of an entry; those with problems are left out."""
        maker = replace(self, problems=problems)
        made = (maker.table(entry, each, name) for each, name in turns)
        return [table for table in made if table is not None]

    def table(self, entry: Entry, each: Mapping[str, Any], name: str) -> Table | None:
        """The table of an entry for one turn of `for_each`; None with problems."""
        settings = self._settings(entry, each, name)
        if settings is None:
            return None
        body = entry.body
        if body is not None:
            parameters, arguments = bound_values(settings, body, entry, self.problems)
            function = _function_name(entry.name)
        elif settings.transformation is None:
            message = f"{name} has neither a transformation nor a body"
            hint = "Give it  transformation: ,  sql: |  or  python: | ."
            self.problems.append(Problem("missing-body", message, hint, entry.place()))
            return None
        else:
            function = settings.transformation
            found = self.transformations.get(function)
            if found is None or found.body is None:
                self.problems.append(self._unknown_transformation(entry, function))
                return None
            body, parameters = found.body, self.declared[function]
            arguments = bound_arguments(
                settings, found, parameters, entry, self.problems
            )
        return Table(
            name=name,
            home=self.homes.home(name),
            group=settings.group or name.partition(".")[0],
            settings=settings,
            body=body,
            function=function,
            parameters=parameters,
            arguments=arguments,
            entry=entry,
            template=entry.name,
        )

    def _settings(
        self, entry: Entry, each: Mapping[str, Any], name: str
    ) -> models.Table | None:
        """The entry's keys over the file's defaults, resolved and checked."""
        inner, only_each = self.scope.with_each(each), Scope({"each": each})
        resolved: dict[str, Any] = {}
        failed = False
        for key, value in self._merged(entry, inner).items():
            if key in ("sql", "python"):
                resolved[key] = value
                continue
            try:
                used = only_each if key == "group" else inner
                resolved[key] = used.substitute(value)
            except UnknownReference as error:
                failed = True
                written = entry.value.get(key, entry.defaults.get(key))
                place = entry.place((key, *path_to(error.reference, written)))
                message, hint = str(error), error.hint
                if key == "group":
                    message, hint = f"{error}; a group uses ${{each.x}} only", _SAME
                problem = Problem("unknown-reference", message, hint, place)
                self.problems.append(problem)
        if failed:
            return None
        settings, found = checked(
            models.Table,
            {**resolved, "name": name},
            lambda at, on_key: entry.place(at, key=on_key),
        )
        self.problems.extend(found)
        return settings

    def _merged(self, entry: Entry, scope: Scope) -> dict[str, Any]:
        """The entry's keys over the file's defaults, as written."""
        own = {
            key: value
            for key, value in entry.value.items()
            if key not in ("for_each", "name")
        }
        if not entry.defaults:
            return own
        inherited = dict(entry.defaults)
        if entry.body is not None:  # it cancels the transformation
            inherited.pop("transformation", None)
            inherited.pop("arguments", None)
        merged = {**inherited, **own}
        for key in _MERGED:
            below, above = inherited.get(key), own.get(key, {})
            if isinstance(below, dict) and isinstance(above, dict):
                if key == "arguments":
                    below = self._declared_only(below, entry, scope)
                merged[key] = {**below, **above}
        return merged

    def _declared_only(
        self, arguments: dict[str, Any], entry: Entry, scope: Scope
    ) -> dict[str, Any]:
        """Default arguments, where the entry's transformation declares them."""
        try:
            name = scope.substitute(entry.transformation)
        except UnknownReference:  # reported with the other values
            return arguments
        declared = self.declared.get(name, arguments)
        return {key: value for key, value in arguments.items() if key in declared}

    def _unknown_transformation(self, entry: Entry, name: str) -> Problem:
        message = f'there is no transformation "{name}"'
        hint = did_you_mean(name, self.transformations)
        if not hint:
            hint = f"Define it first:  %%mdf_transformation {name}"
        place = entry.place(("transformation",))
        return Problem("unknown-transformation", message, hint, place)


def _function_name(template: str) -> str:
    """`schema__table`, for an entry `bronze.${each.what}` `bronze__each_what`."""
    named = re.sub(r"\$\{(.*?)\}", lambda found: found[1].replace(".", "_"), template)
    return re.sub(r"\W", "_", named.replace(".", "__"), flags=re.ASCII)
