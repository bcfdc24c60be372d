"""Tables chosen by words: `silver.x+`, `group:gold`, `tag:owner`, `state:modified`.

Words behind each other add up; a comma between words takes what both of them name. A +
before a word takes along what its tables read, behind it what reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import reduce

from mdf_magics.errors import DefinitionError, Problem, did_you_mean
from mdf_magics.planning.placement import group_of
from mdf_magics.planning.steps import Planned

METHODS = ("group", "part", "tag", "transformation", "state")
"""What may stand before a colon."""


@dataclass(frozen=True)
class Selection:
    """What words name."""

    tables: frozenset[str]
    keys: frozenset[str] = frozenset()
    """Resources that have no table here: `all`, a schedule, or one that is only
    deployed and that no definition asks for any more."""

    def __or__(self, other: Selection) -> Selection:
        return Selection(self.tables | other.tables, self.keys | other.keys)

    def __and__(self, other: Selection) -> Selection:
        return Selection(self.tables & other.tables, self.keys & other.keys)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is chosen, as by `state:modified` when nothing changed."""
        return not self.tables and not self.keys


@dataclass(frozen=True)
class Selector:
    """Finds what words name in one target."""

    planned: Planned
    keys: Collection[str] = ()
    """The resources that are wanted or deployed."""
    modified: Callable[[], Collection[str]] | None = None
    """Gives the keys of resources that a deploy would change."""
    _tags: dict[str, set[str]] = field(default_factory=dict)

    def select(self, words: str | Iterable[str]) -> Selection:
        """What is chosen.

        Args:
            words: One text or several; blanks separate words.

        Raises:
            DefinitionError: A word names nothing, with the closest name there is.
        """
        texts = [words] if isinstance(words, str) else list(words)
        chosen = [self._both(word) for text in texts for word in text.split()]
        if not chosen:
            raise _nothing("", "Name tables, as in  --select silver.*  .")
        return reduce(Selection.__or__, chosen)

    def _both(self, word: str) -> Selection:
        found = [self._one(part) for part in word.split(",") if part]
        both = reduce(Selection.__and__, found) if found else Selection(frozenset())
        if both.is_empty and "state:" not in word:
            hint = "A comma takes what both words name; a blank takes either."
            raise _nothing(word, hint)
        return both

    def _one(self, word: str) -> Selection:
        name = word.removeprefix("+").removesuffix("+")
        method, colon, value = name.partition(":")
        chosen = self._by(method, value, word) if colon else self._named(name)
        graph, tables = self.planned.graph, set(chosen.tables)
        if word.startswith("+"):
            tables |= _reached(chosen.tables, graph.upstream)
        if word.endswith("+"):
            tables |= _reached(chosen.tables, graph.readers())
        return Selection(frozenset(tables), chosen.keys)

    def _named(self, name: str) -> Selection:
        """A table, a pattern of tables, a part or a group."""
        tables, placement = self.planned.tables, self.planned.parts.placement
        if name in self.planned.made:  # rejected rows come with the others
            name = self.planned.made[name].name
        if name in tables:
            return Selection(frozenset({name}))
        if any(sign in name for sign in "*?["):
            found = frozenset(one for one in tables if fnmatchcase(one, name))
            if found:
                return Selection(found)
            raise _nothing(name, did_you_mean(name, tables))
        if "." in name:
            message = f'there is no table "{name}"'
            hint = did_you_mean(name, tables) or "Define it:  %%mdf_table ."
            raise DefinitionError(Problem("unknown-table", message, hint))
        inside = {one for one in tables if placement[one] == name}
        if inside or name in self.keys:
            inside |= self._in_group(name)
            return Selection(frozenset(inside), frozenset(self._deployed(name)))
        return self._by("group", name, name)

    def _by(self, method: str, value: str, word: str) -> Selection:
        tables, placement = self.planned.tables, self.planned.parts.placement
        if method == "group":
            found = Selection(
                frozenset(self._in_group(value)), frozenset(self._deployed(value))
            )
            known = {one.group for one in tables.values()}
        elif method == "part":
            inside = frozenset(one for one in tables if placement[one] == value)
            found = Selection(inside, frozenset({value} & set(self.keys)))
            known = {*placement.values(), *self.keys}
        elif method == "tag":
            tagged = self._tagged()
            found = Selection(frozenset(tagged.get(value, ())))
            known = set(tagged)
        elif method == "transformation":
            users = {
                one: table.settings.transformation for one, table in tables.items()
            }
            found = Selection(
                frozenset(o for o, user in users.items() if user == value)
            )
            known = set(filter(None, users.values()))
        elif (method, value) == ("state", "modified") and self.modified:
            return self._modified(self.modified())
        else:
            known = {*(f"{one}:" for one in METHODS[:-1]), "state:modified"}
            raise _nothing(word, did_you_mean(f"{method}:", known))
        if found.is_empty:
            raise _nothing(word, did_you_mean(value, known))
        return found

    def _modified(self, keys: Collection[str]) -> Selection:
        placement = self.planned.parts.placement
        inside = frozenset(one for one in self.planned.tables if placement[one] in keys)
        return Selection(inside, frozenset(keys))

    def _in_group(self, group: str) -> set[str]:
        return {
            one for one, table in self.planned.tables.items() if table.group == group
        }

    def _deployed(self, group: str) -> set[str]:
        """Resources of a group, its schedule among them."""
        return {
            key
            for key in self.keys
            if group_of(key) == group or key == f"{group}-schedule"
        }

    def _tagged(self) -> Mapping[str, set[str]]:
        """Tables by `name` and by `name=value` of their tags and their group's."""
        if not self._tags:
            for name, table in self.planned.tables.items():
                group = self.planned.project.groups.get(table.group)
                tags = {**(group.tags if group else {}), **table.settings.tags}
                for tag, value in tags.items():
                    self._tags.setdefault(tag, set()).add(name)
                    self._tags.setdefault(f"{tag}={value}", set()).add(name)
        return self._tags


def _reached(names: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    """All that can be reached from some tables."""
    waiting, seen = list(names), set[str]()
    while waiting:
        for name in edges.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def _nothing(word: str, hint: str) -> DefinitionError:
    message = f'--select "{word}" names nothing' if word else "--select names nothing"
    return DefinitionError(Problem("unknown-selection", message, hint))
