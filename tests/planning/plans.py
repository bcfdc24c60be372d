"""Plans of small projects, from the texts of their files."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from mdf_magics.definitions.loading import load
from mdf_magics.errors import Problem
from mdf_magics.planning.resources import Compiled, Resource
from mdf_magics.planning.steps import Planned, Settings, compile_target, plan_target

PROJECT = """\
project: shop
targets:
  local: {engine: embedded, catalog: main}
"""


def plan(
    tables: str = "",
    *,
    project: str = PROJECT,
    placement: str = "",
    target: str = "local",
    root: Path = Path("nowhere"),
    variables: dict[str, str] | None = None,
    **transformations: str,
) -> Planned:
    """What a project comes to.

    Args:
        tables: The items of `tables:`, or a whole file that starts with a key.
        project: The text of mdf.yml.
        placement: The text of placement.yml.
        target: The target.
        root: Where files lie that definitions name.
        variables: Those of `--var`.
        transformations: Each one's YAML, without its name.
    """
    files = {"definitions/mdf.yml": dedent(project)}
    text = dedent(tables).lstrip("\n")
    if text:
        whole = text if not text.startswith("-") else f"tables:\n{text}"
        files["definitions/tables/t.yml"] = whole
    if placement:
        files["definitions/placement.yml"] = dedent(placement)
    for name, body in transformations.items():
        path = f"definitions/transformations/{name}.yml"
        files[path] = f"name: {name}\n{dedent(body)}"
    return plan_target(
        load(root, files), Settings(target, variables or {}, lambda: "me")
    )


def compiled(planned: Planned) -> Compiled:
    """What the plan's target is made of; there must be no errors."""
    assert not planned.errors, shown(planned.errors)
    return compile_target(planned)


def resource(planned: Planned, key: str) -> Resource:
    """One of the plan's resources."""
    return {one.key: one for one in compiled(planned).resources}[key]


def shown(problems: list[Problem] | tuple[Problem, ...]) -> str:
    """Problems as a user reads them."""
    return "\n\n".join(map(str, problems))


def query(name: str, reads: str = "", **keys: str) -> str:
    """An item of `tables:`, with a query of its own that reads these tables."""
    tables = " CROSS JOIN ".join(reads.split())
    text = f"SELECT * FROM {tables}" if tables else "SELECT 1 AS x"
    lines = [f"  - name: {name}", *(f"{key}: {value}" for key, value in keys.items())]
    return "\n    ".join([*lines, f"sql: {text}"]) + "\n"


def queries(*items: str) -> str:
    """A file of such items."""
    return "tables:\n" + "".join(items)
