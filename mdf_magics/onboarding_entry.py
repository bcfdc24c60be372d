"""The entry that onboarding writes: one `for_each` for many sources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mdf_magics.definitions.entries import Entry
from mdf_magics.definitions.flow_text import flow_text
from mdf_magics.definitions.reading import read_document
from mdf_magics.definitions.recalling import recalled
from mdf_magics.definitions.setting import with_value
from mdf_magics.errors import DefinitionError, Problem, Source
from mdf_magics.transformations.parameters import Parameter

COPY = Parameter("source", "table")
"""What a table takes that copies its source as it is."""


INTO = "Write  --into silver.{name} : {name} and {schema} are those of the source."
"""What to do about a name that can't be made."""


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
            raise DefinitionError(Problem("bad-name", message, INTO))
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


@dataclass(frozen=True)
class TablesEntry:
    """One entry that makes all tables: what is the same for all is written once."""

    choice: Choice
    template: str
    lists: Mapping[str, list[Any]]
    """What `for_each` walks."""
    arguments: Mapping[str, Any]

    @classmethod
    def of(
        cls, choice: Choice, rows: Sequence[tuple[str, str, dict[str, Any]]]
    ) -> TablesEntry:
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

    def growing(self, stored: Entry) -> str:
        """The cell of an entry, whose lists have got what is new.

        Raises:
            DefinitionError: Its `for_each` has other lists.
        """
        has = stored.value.get("for_each")
        if not isinstance(has, dict) or set(has) != set(self.lists):
            message = f"the entry {stored.name} is there already, with another for_each"
            hint = "Add to its lists there, or say other names with  --into ."
            raise DefinitionError(
                Problem("duplicate-entry", message, hint, stored.place())
            )
        new = [
            number
            for number, name in enumerate(self.lists["name"])
            if name not in has["name"]
        ]
        cell = recalled(stored, is_table=True)
        header, line, body = cell.partition("\n")[2].partition("\n---\n")
        for key, values in has.items():
            both = [*values, *(self.lists[key][number] for number in new)]
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
