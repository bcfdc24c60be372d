"""`${...}` references in definitions' values, resolved on loading.

`${project.root}` stays: whoever runs a generated file knows where the project is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mdf_magics.errors import did_you_mean

ROOT = "${project.root}"

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|(\$\{)")

MOST_LOOKUPS = 10_000
"""References followed for one value, so that a few can't expand without end."""

DEEPEST = 50
"""Variables that name one another in a row."""


_WHERE = {
    "each": "An entry with  for_each:  has such values.",
    "var": "List it in  variables:  of mdf.yml.",
}
"""Where names come from, for a space without any."""


class UnknownReference(ValueError):
    """A reference that leads nowhere; its text says why, `hint` what there is."""

    def __init__(self, reference: str, message: str, hint: str = "") -> None:
        """Keep the reference as written, with what is wrong and what to do."""
        super().__init__(message)
        self.reference = reference
        self.hint = hint


@dataclass(frozen=True)
class Scope:
    """What references may name, by their first word (`var`, `each`, `target`)."""

    values: Mapping[str, Mapping[str, Any]]
    user: Callable[[], str] | None = None
    """Gives the user's short name; None where `${user}` isn't allowed."""

    def with_each(self, each: Mapping[str, Any]) -> Scope:
        """The same scope with `${each.x}`."""
        return Scope({**self.values, "each": each}, self.user)

    def substitute(self, value: Any) -> Any:
        """The value with all references resolved, in lists and mappings too.

        A text that is exactly one reference keeps the type of what it names.

        Raises:
            UnknownReference: A reference leads nowhere, or around in a circle.
        """
        return _Substitution(self).of(value)


class _Substitution:
    """The way through one value, and through the variables that it names."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.resolving: list[str] = []
        self.lookups = 0

    def of(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value) if "${" in value else value
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if isinstance(value, dict):
            return {key: self.of(item) for key, item in value.items()}
        return value

    def _text(self, text: str) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole and whole[1] is not None:
            return self._lookup(whole[1])
        return _REFERENCE.sub(self._inline, text)

    def _inline(self, found: re.Match[str]) -> str:
        if found[2]:
            message = f'"{found.string[found.start() :]}" is not closed'
            hint = "Write  ${...} , or  $${  for these characters themselves."
            raise UnknownReference("", message, hint)
        name = found[1]
        if name is None:
            return "${"
        value = self._lookup(name)
        if isinstance(value, dict | list):
            kind = "mapping" if isinstance(value, dict) else "list"
            message = f"${{{name}}} is a {kind} and can't stand inside other text"
            hint = "Let the value be that reference alone."
            raise UnknownReference(name, message, hint)
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)

    def _lookup(self, name: str) -> Any:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS or len(self.resolving) > DEEPEST:
            raise UnknownReference(name, "references lead too far")
        if name == "project.root":
            return ROOT
        if name == "user":
            return self._user()
        space, _, key = name.partition(".")
        names = self.scope.values.get(space)
        if names is None or key not in names:
            raise self._unknown(name, key, names)
        # What `each` gives was resolved with the list it comes from.
        return names[key] if space == "each" else self._resolved(name, names[key])

    def _user(self) -> str:
        if self.scope.user is None:
            message = "${user} is for development targets only"
            hint = "Add  mode: development  to the target."
            raise UnknownReference("user", message, hint)
        return self.scope.user()

    def _unknown(
        self, name: str, key: str, names: Mapping[str, Any] | None
    ) -> UnknownReference:
        known = ", ".join(f"${{{space}.x}}" for space in self.scope.values)
        hint = f"References are {known}, ${{user}} and {ROOT}."
        if names is not None:
            hint = did_you_mean(key, names) or _WHERE.get(name.partition(".")[0], "")
        elif name != name.strip():
            hint = f"Write it without blanks:  ${{{name.strip()}}} ."
        return UnknownReference(name, f"${{{name}}} names nothing", hint)

    def _resolved(self, name: str, value: Any) -> Any:
        if name in self.resolving:
            way = [*self.resolving[self.resolving.index(name) :], name]
            message = f"references go around in a circle: {' -> '.join(way)}"
            raise UnknownReference(name, message)
        self.resolving.append(name)
        result = self.of(value)
        self.resolving.pop()
        return result


def references(value: Any) -> list[str]:
    """All references in a value, such as `each.what`, in order."""
    if isinstance(value, str):
        return [found[1] for found in _REFERENCE.finditer(value) if found[1]]
    if isinstance(value, list):
        return [name for item in value for name in references(item)]
    if isinstance(value, dict):
        return [name for item in value.values() for name in references(item)]
    return []
