"""One entry: a transformation, or an item of `tables:`, as it is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Any

from mdf_magics.definitions.bodies import Body, Folder, moved_body, read_body
from mdf_magics.definitions.checking import checked, shown
from mdf_magics.definitions.models import TABLE_KEYS, Transformation
from mdf_magics.definitions.names import function_fault
from mdf_magics.definitions.reading import Document, Path_
from mdf_magics.errors import Place, Problem, did_you_mean


@dataclass(frozen=True)
class Entry:
    """One item of a list of tables, or one transformation, as written."""

    document: Document
    path: Path_
    """Where the entry is in its document."""
    value: dict[str, Any]
    body: Body | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    """What the file's `defaults` say for all its tables."""
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out from it, also before the rest of its file changed."""

    @property
    def name(self) -> str:
        """Its name as written: a template where the entry has `for_each`."""
        return str(self.value.get("name", ""))

    @property
    def transformation(self) -> str | None:
        """The transformation it names or inherits; none when it has a body."""
        named = self.value.get("transformation")
        if named is None and self.body is None:
            named = self.defaults.get("transformation")
        return named

    def once[T](
        self,
        what: str,
        key: Hashable,
        problems: list[Problem],
        make: Callable[[list[Problem]], T],
    ) -> T:
        """What `make` makes of the entry; remembered where it finds no problem.

        Args:
            what: A word for it.
            key: What it depends on besides the entry itself.
            problems: Takes what is found.
            make: Makes it, and adds problems to the list that it is given.
        """
        known = key, self.document.frame
        if what in self.known and self.known[what][0] == known:
            result: T = self.known[what][1]
            return result
        found: list[Problem] = []
        result = make(found)
        if found:
            problems += found
        else:
            self.known[what] = known, result
        return result

    def place(self, path: Path_ = (), *, key: bool = False) -> Place:
        """Where a value of the entry stands, or the default it inherits."""
        own = self.path + path
        if path and not self.document.has(own[: len(self.path) + 1]):
            inherited = ("defaults", *path)
            if self.defaults and self.document.has(inherited[:2]):
                return self.document.place(inherited, key=key)
            path, own = (), self.path
        if not path:
            return self.document.place((*self.path, "name"), key=True)
        return self.document.place(own, key=key)


def transformation_entry(
    document: Document, path: Path_, value: Any, folder: Folder
) -> tuple[Entry | None, list[Problem]]:
    """Check one transformation as written.

    Args:
        document: Where it stands.
        path: Where in the document.
        value: Its plain value.
        folder: What a `file:` or `notebook:` is relative to.

    Returns:
        The entry, or None with the problems that prevent it.
    """
    model, problems = checked(
        Transformation, value, lambda at, key: document.place((*path, *at), key=key)
    )
    if model is None:
        return None, problems
    name_place = document.place((*path, "name"))
    if fault := function_fault(model.name):
        message = f'the name "{model.name}" {fault}'
        problems.append(Problem("bad-name", message, "", name_place))
    body, found = read_body(document, path, value, folder)
    problems += found
    if body is None and not problems:
        message = f"the transformation {model.name} has no body"
        hint = "Give it  sql: | ,  python: | ,  file:  or  notebook: ."
        problems.append(Problem("missing-body", message, hint, name_place))
    return (None if problems else Entry(document, path, value, body)), problems


def identity(value: Any) -> tuple[Any, ...]:
    """What tells an entry from others of its file."""
    value = value if isinstance(value, dict) else {}
    several = "for_each" in value
    return value.get("name"), several, several and value.get("transformation")


def table_entry(
    document: Document,
    path: Path_,
    value: Any,
    folder: Folder,
    defaults: dict[str, Any] | None = None,
) -> tuple[Entry | None, list[Problem]]:
    """Check the shape of one item of `tables:`; its values are checked expanded.

    Arguments and return value are those of `transformation_entry`.
    """
    known = document.known_of(path)
    if "body" in known:
        body = known["body"] and moved_body(known["body"], document, path)
        return Entry(document, path, value, body, defaults or {}, known), []
    if not isinstance(value, dict):
        message = "a table is a mapping with a name"
        hint = "Write  - name: schema.table"
        return None, [Problem("wrong-type", message, hint, document.place(path))]
    problems = unknown_keys(document, path, value, TABLE_KEYS)
    if "name" not in value:
        message, hint = 'the key "name" is missing', "Add  name: schema.table"
        place = document.place(path)
        problems.append(Problem("missing-key", message, hint, place))
    elif not isinstance(value["name"], str):
        message = f"name must be text, not {shown(value['name'])}"
        place = document.place((*path, "name"))
        hint = "Write  name: schema.table"
        problems.append(Problem("wrong-type", message, hint, place))
    right = {key: one for key, one in value.items() if key in TABLE_KEYS}
    body, found = read_body(document, path, right, folder)
    problems += found
    if body is not None and "transformation" in value:
        place = document.place((*path, "transformation"), key=True)
        message = f"{value.get('name')} has a transformation and a body of its own"
        problems.append(Problem("two-bodies", message, "Remove one of both.", place))
    if problems:
        return None, problems
    if body is not None and body.path:  # what is in a file may change there
        return Entry(document, path, value, body, defaults or {}), problems
    known["body"] = body
    return Entry(document, path, value, body, defaults or {}, known), problems


def unknown_keys(
    document: Document, path: Path_, value: dict[str, Any], allowed: Collection[str]
) -> list[Problem]:
    """A problem for each key of a mapping that isn't allowed there."""
    return [
        Problem(
            "unknown-key",
            f'there is no key "{key}" here',
            did_you_mean(key, allowed, limit=40),
            document.place((*path, key), key=True),
        )
        for key in value
        if key not in allowed
    ]
