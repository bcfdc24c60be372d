"""How long `%load_ext mdf_magics` takes, and what it imports.

Budget: under 0.15 s, without pyspark, databricks, pandas, pysail and sqlglot.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HEAVY = ("pyspark", "databricks", "pandas", "pysail", "sqlglot")
RUNS = 7

LOAD = f"""
import sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
began = time.perf_counter()
shell.run_line_magic("load_ext", "mdf_magics")
seconds = time.perf_counter() - began
print(seconds, *[name for name in {HEAVY!r} if name in sys.modules])
"""


def main() -> None:
    """Load the extension in fresh processes and print the figures."""
    seconds, heavy = [], set()
    with TemporaryDirectory() as folder:
        project = Path(folder, "definitions")
        project.mkdir()
        (project / "mdf.yml").write_text(
            "project: bench\ntargets:\n  local: {engine: embedded, catalog: main}\n"
        )
        for _ in range(RUNS):
            done = subprocess.run(
                [sys.executable, "-c", LOAD],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
            )
            figure, *found = done.stdout.splitlines()[-1].split()
            seconds.append(float(figure))
            heavy.update(found)
    print(f"load_ext: median {statistics.median(seconds):.3f} s of {RUNS}, "
          f"worst {max(seconds):.3f} s (budget 0.15 s)")  # fmt: skip
    print(f"heavy imports: {', '.join(sorted(heavy)) or 'none'}")


if __name__ == "__main__":
    main()
