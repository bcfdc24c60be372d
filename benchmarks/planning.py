"""Validate, compile and plan many tables: seconds of work and memory.

Budget: 1,000 tables over 20 transformations in 0.6 s, 10,000 in 6 s and 400 MB, not
counting imports. The ratio to PyYAML's bare C load of the same files is printed, since
machines differ.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from many_tables import write_project


def measure(root: Path) -> None:
    """Time the steps in this process and print them as one line."""
    import sqlglot

    from mdf_magics import Project
    from mdf_magics.definitions.loading import load
    from mdf_magics.planning.steps import compile_target

    sqlglot.parse_one("SELECT 1", dialect="databricks")
    project = Project(root)
    clock = [time.perf_counter()]
    definitions = load(root)
    clock.append(time.perf_counter())
    planned = project.planned(definitions)
    assert not planned.problems, planned.problems[0]
    clock.append(time.perf_counter())
    compile_target(planned)
    clock.append(time.perf_counter())
    compile_target(project.planned(load(root)))
    clock.append(time.perf_counter())
    for path in sorted((root / "definitions").rglob("*.yml")):
        yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    clock.append(time.perf_counter())
    loaded, checked, compiled, again, bare = (
        end - start for start, end in pairwise(clock)
    )
    total = loaded + checked + compiled
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(planned.tables):>6} tables: load {loaded:.2f} s, check {checked:.2f} s, "
        f"compile {compiled:.2f} s, in all {total:.2f} s; unchanged {again:.2f} s; "
        f"{total / bare:.1f} times PyYAML's load ({bare:.2f} s); {megabytes:.0f} MB"
    )


def measure_again(root: Path) -> None:
    """Time what another command takes to check what an earlier one has checked."""
    from mdf_magics import Project

    began = time.process_time()
    tables = Project(root).validate().tables
    seconds = time.process_time() - began
    print(f"        validate, {sys.argv[2]}: {seconds:.2f} s for {tables}")


def main() -> None:
    """Measure each size in a process of its own, so that memory is its own."""
    for tables in (1_000, 10_000):
        with TemporaryDirectory() as folder:
            write_project(Path(folder), tables)
            for word in ("first", "checked", "unchanged"):
                command = [sys.executable, __file__, folder, word]
                subprocess.run(command, check=True)
    print("budget: 1,000 in 0.6 s, unchanged 0.1 s; 10,000 in 6 s and 400 MB")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        main()
    elif sys.argv[2] == "first":
        measure(Path(sys.argv[1]))
    else:
        measure_again(Path(sys.argv[1]))
