"""Save one table into a file of 1,000. Budget: under 50 ms, one hunk in the diff."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlglot
from many_tables import entry, write_project

from mdf_magics import Project
from mdf_magics.adding import AddOptions, CellText

RUNS = 9


def main() -> None:
    """Save tables one after the other and print the figures."""
    sqlglot.parse_one("SELECT 1", dialect="databricks")
    seconds, hunks = [], 0
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, 50)
        (root / "definitions" / "tables" / "part_0.yml").unlink()
        path = root / "definitions" / "tables" / "many.yml"
        path.write_text(
            "tables:\n" + "\n".join(entry(number) for number in range(1_000))
        )
        project = Project(root)
        project.validate()
        for number in range(RUNS):
            cell = (
                "group: many\ntransformation: newest_1\n"
                "arguments: {source: raw.x, keys: [id]}"
            )
            name = f"silver.new_{number}"
            began = time.perf_counter()
            saved = project.add(
                [CellText("mdf_table", name, name, cell)], AddOptions(no_preview=True)
            )
            seconds.append(time.perf_counter() - began)
            hunks = max(hunks, saved.added[0].diff.count("\n@@"))
    median = statistics.median(seconds)
    print(f"save into 1,000: median {median * 1000:.0f} ms of {RUNS} (budget 50 ms), "
          f"{hunks} hunk")  # fmt: skip


if __name__ == "__main__":
    main()
