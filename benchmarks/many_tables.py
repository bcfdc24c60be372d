"""A project of many tables over twenty transformations, for the other benchmarks."""

from __future__ import annotations

from pathlib import Path

PER_FILE = 50


def write_project(root: Path, tables: int) -> None:
    """Write definitions of this many tables, fifty in a file."""
    for folder in ("tables", "transformations"):
        (root / "definitions" / folder).mkdir(parents=True)
    (root / "definitions" / "mdf.yml").write_text(
        "project: bench\ntargets:\n  local: {engine: embedded, catalog: main}\n"
    )
    for number in range(20):
        path = root / "definitions" / "transformations" / f"newest_{number}.yml"
        path.write_text(
            f"name: newest_{number}\n"
            "parameters: {source: table, keys: columns,"
            " order_by: {type: column, default: loaded_at}}\n"
            "sql: |\n"
            "  SELECT * FROM (\n"
            "    SELECT *, row_number() OVER (\n"
            "      PARTITION BY {{ keys }} ORDER BY {{ order_by }} DESC) AS newest\n"
            f"    FROM {{{{ source }}}}) WHERE newest <= {number}\n"
        )
    for first in range(0, tables, PER_FILE):
        entries = [entry(number) for number in range(first, first + PER_FILE)]
        path = root / "definitions" / "tables" / f"part_{first // PER_FILE}.yml"
        path.write_text("tables:\n" + "\n".join(entries))


def entry(number: int) -> str:
    """One table's entry; every tenth reads the table before it."""
    source = f"raw.t{number}" if number % 10 else f"silver.t{max(0, number - 1)}"
    if number == 0:
        source = "raw.t0"
    return (
        f"  - name: silver.t{number}\n"
        f"    group: group_{number % 40}\n"
        f"    transformation: newest_{number % 20}\n"
        f"    arguments: {{source: {source}, keys: [id, day]}}\n"
        "    expectations:\n"
        "      - {name: has_id, check: id IS NOT NULL, on_failure: drop}\n"
    )
