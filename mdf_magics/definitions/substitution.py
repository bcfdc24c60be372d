"""`${...}` references in definitions' values, resolved on loading.

`${project.root}` stays: whoever runs a generated file knows where the project is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mdf_magics.errors import did_you_mean

ROOT = "${project.root}"

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")


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
    _resolving: list[str] = field(default_factory=list, compare=False)

    def with_each(self, each: Mapping[str, Any]) -> Scope:
        """The same scope with `${each.x}`."""
        return Scope({**self.values, "each": each}, self.user)

    def substitute(self, value: Any) -> Any:
        """The value with all references resolved, in lists and mappings too.

        A text that is exactly one reference keeps the type of what it names.

        Raises:
            UnknownReference: A reference leads nowhere, or around in a circle.
        """
        if isinstance(value, str):
            return self._text(value) if "${" in value else value
        if isinstance(value, list):
            return [self.substitute(item) for item in value]
        if isinstance(value, dict):
            return {key: self.substitute(item) for key, item in value.items()}
        return value

    def _text(self, text: str) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole and whole[1] is not None:
            return self._lookup(whole[1])
        return _REFERENCE.sub(
            lambda match: "${" if match[1] is None else str(self._inline(match[1])),
            text,
        )

    def _inline(self, name: str) -> Any:
        found = self._lookup(name)
        if isinstance(found, dict | list):
            kind = "mapping" if isinstance(found, dict) else "list"
            message = f"${{{name}}} is a {kind} and can't stand inside other text"
            raise UnknownReference(
                name, message, "Let the value be that reference alone."
            )
        return "" if found is None else found

    def _lookup(self, name: str) -> Any:
        if name == "project.root":
            return ROOT
        if name == "user":
            if self.user is None:
                message = "${user} is for development targets only"
                raise UnknownReference(
                    name, message, "Add  mode: development  to the target."
                )
            return self.user()
        space, _, key = name.partition(".")
        names = self.values.get(space)
        if names is None:
            message = f"${{{name}}} names nothing"
            known = [f"${{{space}.x}}" for space in self.values]
            hint = f"References are {', '.join(known)}, ${{user}} and {ROOT}."
            raise UnknownReference(name, message, hint)
        if key not in names:
            message = f"${{{name}}} names nothing"
            raise UnknownReference(name, message, did_you_mean(key, names))
        return self._resolved(name, names[key])

    def _resolved(self, name: str, value: Any) -> Any:
        if not _refers(value):
            return value
        if name in self._resolving:
            circle = " -> ".join(
                [*self._resolving[self._resolving.index(name) :], name]
            )
            raise UnknownReference(name, f"references go around in a circle: {circle}")
        self._resolving.append(name)
        try:
            return self.substitute(value)
        finally:
            self._resolving.pop()


def references(value: Any) -> list[str]:
    """All references in a value, such as `each.what`, in order."""
    if isinstance(value, str):
        return [name for name in _REFERENCE.findall(value) if name]
    if isinstance(value, list):
        return [name for item in value for name in references(item)]
    if isinstance(value, dict):
        return [name for item in value.values() for name in references(item)]
    return []


def _refers(value: Any) -> bool:
    return any(name != "project.root" for name in references(value))
