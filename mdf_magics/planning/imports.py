"""Import statements in the order that ruff and isort want."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from mdf_magics.planning.literals import WIDTH

type _Key = list[tuple[int, int]]


def import_block(statements: Iterable[str]) -> str:
    """Import statements in sections: future, standard library, the rest.

    Args:
        statements: Each imports one name; any may come more than once.
    """
    sections: dict[int, list[str]] = {}
    for section, line in _lines(set(statements)):
        sections.setdefault(section, []).append(f"{line}\n")
    return "\n".join("".join(lines) for lines in sections.values())


def _lines(statements: set[str]) -> Iterator[tuple[int, str]]:
    """Each line with its section; names of one module that keep theirs share one."""
    names: dict[tuple[int, str], list[str]] = {}
    found: list[tuple[int, bool, _Key, tuple[int, _Key], bool, str]] = []
    for statement in sorted(statements):
        kind, module, *rest = statement.split()
        section, order = _section(module), _natural(module)
        if kind == "import":
            key = 0, _natural(statement)
            found.append((section, False, order, key, False, statement))
        elif "as" in rest:
            found.append((section, True, order, _by_type(rest[1]), True, statement))
        else:
            names.setdefault((section, module), []).append(rest[1])
    for (section, module), imported in names.items():
        imported.sort(key=_by_type)
        line = f"from {module} import {', '.join(imported)}"
        if len(line) > WIDTH:
            lines = "".join(f"    {one},\n" for one in imported)
            line = f"from {module} import (\n{lines})"
        key = _by_type(imported[0])
        found.append((section, True, _natural(module), key, False, line))
    for section, *_, line in sorted(found):
        yield section, line


def _section(module: str) -> int:
    package = module.partition(".")[0]
    if package == "__future__":
        return 0
    return 1 if package in sys.stdlib_module_names else 2


def _by_type(name: str) -> tuple[int, _Key]:
    """Constants, then classes, then the rest."""
    constant = name.isupper() and len(name) > 1
    return 0 if constant else 1 if name[0].isupper() else 2, _natural(name)


def _natural(text: str) -> _Key:
    """Case doesn't count, and a2 comes before a10."""
    parts = re.findall(r"\d+|\D", text.lower())
    return [(48, int(one)) if one.isdecimal() else (ord(one), 0) for one in parts]
