"""Save one table into a file of 1,000. Budget: under 50 ms, one hunk in the diff.

The ratio to PyYAML's bare C load of that file is printed, since machines differ.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlglot
import yaml
from many_tables import entry, write_project

from mdf_magics import Project
from mdf_magics.adding import AddOptions, CellText

RUNS = 9


def main() -> None:
    """Save tables one after the other and print the figures."""
    sqlglot.parse_one("SELECT 1", dialect="databricks")
    seconds, work, hunks = [], [], 0
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
            began, worked = time.perf_counter(), time.process_time()
            saved = project.add(
                [CellText("mdf_table", name, name, cell)], AddOptions(no_preview=True)
            )
            seconds.append(time.perf_counter() - began)
            work.append(time.process_time() - worked)
            hunks = max(hunks, saved.added[0].diff.count("\n@@"))
        began = time.process_time()
        yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        bare = time.process_time() - began
    median = statistics.median(seconds)
    print(
        f"save into 1,000: median {median * 1000:.0f} ms of {RUNS} (budget 50 ms), "
        f"{statistics.median(work) * 1000:.0f} ms of work, {hunks} hunk; "
        f"{statistics.median(work) / bare:.2f} times PyYAML's load ({bare:.2f} s)"
    )


if __name__ == "__main__":
    main()
