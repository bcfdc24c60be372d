"""A deployed job, run on the embedded engine: the files that a cluster would execute."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.errors import RunError
from mdf_magics.running.local_run import run_job
from mdf_magics.running.scheduling import LocalRun, TaskRun

ROOT = Path(__file__).parents[2]

RUNTIME = ROOT / "mdf_magics" / "runtime" / "mdf_runtime.py"

HEAD = """\
# Databricks notebook source
# Written by mdf from definitions/ (part p, target local). Edit those, not this.
# ruff: noqa: F821
try:
    import mdf_runtime
except ModuleNotFoundError:  # serverless may not have this folder on its path
    import sys

    context = dbutils.notebook.entry_point.getDbutils().notebook().getContext()
    sys.path.append("/Workspace" + context.notebookPath().get().rpartition("/")[0])
    import mdf_runtime

# COMMAND ----------

"""

TAIL = """

# COMMAND ----------

mdf_runtime.run_task(spark, dbutils, TABLES, runs_schema="main.mdf_runs")
"""


@dataclass
class Deployed:
    """A target's deployed files, and the job that runs them."""

    files: Path
    engine: EmbeddedEngine
    tasks: list[dict[str, Any]] = field(default_factory=list)
    told: list[TaskRun] = field(default_factory=list)

    def source(self, name: str, code: str) -> None:
        (self.files / "src" / name).write_text(f"{HEAD}{code}{TAIL}")

    def write(self, name: str, text: str) -> None:
        (self.files / "src" / name).write_text(text)

    def table(self, name: str, notebook: str = "part.py", after: str = "") -> None:
        """A task that builds a table of ours."""
        self.task(name, notebook, after, table=name, run_id="{{job.run_id}}")

    def query(self, name: str, sql: str, after: str = "") -> None:
        """A table with a source of its own."""
        key = name.replace(".", "_")
        table = f'{{"home": "main.{name}", "write": "overwrite", "sql": body, "arguments": {{}}}}'
        body = f'def body():\n    return """{sql}"""\n\n\n'
        self.source(f"{key}.py", f"{body}TABLES = {{{name!r}: {table}}}")
        self.table(name, f"{key}.py", after)

    def task(
        self, name: str, notebook: str, after: str = "", **parameters: str
    ) -> None:
        task: dict[str, Any] = {
            "task_key": name.replace(".", "-"),
            "notebook_task": {
                "notebook_path": f"src/{notebook}",
                "base_parameters": parameters,
            },
        }
        if after:
            task["depends_on"] = [
                {"task_key": one.replace(".", "-")} for one in after.split()
            ]
        self.tasks.append(task)

    @property
    def spec(self) -> dict[str, Any]:
        return {"name": "[local] demo part", "tasks": self.tasks}

    def run(
        self, *only: str, run_id: str = "7", concurrency: int = 2
    ) -> dict[str, TaskRun]:
        """Run the job; what came of each table."""
        self.told.clear()
        ended = run_job(
            self.spec,
            LocalRun(
                self.engine,
                run_id,
                "main.mdf_runs",
                frozenset(only) or None,
                concurrency=concurrency,
            ),
            files=self.files,
            on_progress=self.told.append,
        )
        return {one.table: one for one in ended}

    def rows(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        assert self.engine.exists(f"main.{name}")
        found = self.engine.preview(f"SELECT {columns} FROM main.{name}", 100)
        return sorted(found.rows, key=repr)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path / "warehouse", "main")
    yield engine
    engine.close()


@pytest.fixture
def new_deploy(tmp_path: Path, engine: EmbeddedEngine) -> Callable[[str], Deployed]:
    def new(folder: str) -> Deployed:
        source = tmp_path / folder / "src"
        source.mkdir(parents=True)
        shutil.copy(RUNTIME, source)
        return Deployed(tmp_path / folder, engine)

    return new


@pytest.fixture
def job(new_deploy: Callable[[str], Deployed]) -> Deployed:
    return new_deploy("deployed")


FLIGHTS = '''\
def new_files(source):
    return f"""
SELECT *, current_timestamp() AS loaded_at
FROM {source}
"""


def carriers(source):
    return f"""
SELECT carrier, count(*) AS flights
FROM {source}
GROUP BY carrier
"""


# COMMAND ----------

TABLES = {
    "bronze.flights": {
        "home": "main.bronze.flights",
        "write": "append",
        "sql": new_files,
        "arguments": {
            "source": {
                "files": {
                    "path": "LANDING",
                    "format": "csv",
                    "options": {"header": "true"},
                    "schema": "carrier STRING, delay INT",
                },
            },
        },
    },
    "gold.carriers": {
        "home": "main.gold.carriers",
        "write": "overwrite",
        "sql": carriers,
        "arguments": {"source": "`main`.`bronze`.`flights`"},
        "expectations": [
            {"name": "known", "check": "carrier <> 'XX'", "on_failure": "drop"},
        ],
    },
}'''


class TestSources:
    @pytest.fixture
    def flights(self, job: Deployed, tmp_path: Path) -> Deployed:
        """Two tables of one generated source, and a file that has landed."""
        landing = tmp_path / "landing"
        landing.mkdir()
        (landing / "1.csv").write_text("carrier,delay\nUA,3\nUA,5\nXX,1\n")
        job.source("part.py", FLIGHTS.replace("LANDING", str(landing)))
        job.table("gold.carriers", after="bronze.flights")
        job.table("bronze.flights")
        return job

    def test_tables_are_built_in_the_order_of_their_tasks(
        self, flights: Deployed
    ) -> None:
        ended = flights.run()

        assert flights.rows("gold.carriers") == [("UA", 2)]
        assert [(one.table, one.status, one.rows) for one in ended.values()] == [
            ("gold.carriers", "succeeded", 1),
            ("bronze.flights", "succeeded", 3),
        ]
        assert [(one.table, one.status) for one in flights.told] == [
            ("bronze.flights", "running"),
            ("bronze.flights", "succeeded"),
            ("gold.carriers", "running"),
            ("gold.carriers", "succeeded"),
        ]

    def test_each_table_leaves_a_row_with_the_run_it_was_in(
        self, flights: Deployed
    ) -> None:
        flights.run(run_id="42")

        assert flights.rows(
            "mdf_runs.mdf_runs", "run_id, name, rows, dropped, status"
        ) == [
            ("42", "bronze.flights", 3, 0, "succeeded"),
            ("42", "gold.carriers", 1, 1, "succeeded"),
        ]

    def test_next_kernel_goes_on_where_the_last_one_was(
        self, flights: Deployed, tmp_path: Path
    ) -> None:
        flights.run()
        (tmp_path / "landing" / "2.csv").write_text("carrier,delay\nAA,3\n")
        flights.engine.close()
        flights.engine = EmbeddedEngine(tmp_path / "warehouse", "main")

        ended = flights.run()

        assert [one.rows for one in ended.values()] == [2, 1]
        assert flights.rows("gold.carriers") == [("AA", 1), ("UA", 2)]
        flights.engine.close()

    def test_only_the_named_tables_are_built(self, flights: Deployed) -> None:
        flights.run()

        ended = flights.run("gold.carriers")

        assert ended["bronze.flights"] == TaskRun(
            "bronze-flights", "bronze.flights", "skipped"
        )
        assert ended["gold.carriers"].status == "succeeded"
        assert {one.table for one in flights.told} == {"gold.carriers"}


class TestFailures:
    def test_rest_goes_on_when_a_table_fails(self, job: Deployed) -> None:
        job.query("a.bad", "SELECT raise_error('no such luck')")
        job.query("b.next", "SELECT 1 AS x", after="a.bad")
        job.query("c.last", "SELECT 1 AS x", after="b.next")
        job.query("d.other", "SELECT 1 AS x")

        ended = job.run()

        assert {name: one.status for name, one in ended.items()} == {
            "a.bad": "failed",
            "b.next": "upstream_failed",
            "c.last": "upstream_failed",
            "d.other": "succeeded",
        }
        assert "no such luck" in (ended["a.bad"].error or "")
        assert ended["b.next"].error == "a.bad could not be built"

    def test_failed_run_is_made_good_by_the_next_one(self, job: Deployed) -> None:
        job.query("a.t", "SELECT nope")
        job.query("b.t", "SELECT * FROM `main`.`a`.`t`", after="a.t")
        job.run()
        job.tasks.clear()
        job.query("a.t", "SELECT 1 AS x")
        job.query("b.t", "SELECT * FROM `main`.`a`.`t`", after="a.t")

        ended = job.run()

        assert [one.status for one in ended.values()] == ["succeeded", "succeeded"]

    def test_error_of_a_function_shows_its_last_line(self, job: Deployed) -> None:
        job.source(
            "part.py",
            'def rows(spark):\n    columns = {}\n    return spark.table(columns["day"])\n\n\n'
            'TABLES = {"a.t": {"home": "main.a.t", "write": "overwrite", "python": rows, "arguments": {}}}',
        )
        job.table("a.t")

        error = job.run()["a.t"].error

        assert error == (
            "KeyError: 'day'\n  In rows, line 17:  return spark.table(columns[\"day\"])"
        )

    def test_error_of_the_runtime_is_its_sentence(self, job: Deployed) -> None:
        job.source(
            "part.py",
            'TABLES = {"a.t": {"home": "main.a.t", "write": "append", "sql": "{}".format,'
            ' "arguments": {"x": {"stream": "main.b.t"}}}}',
        )
        job.table("a.t")

        error = job.run()["a.t"].error or ""

        assert error.startswith("on a job an append from main.b.t needs a watermark")

    def test_missing_notebook_fails_its_task(self, job: Deployed) -> None:
        job.table("a.t", "gone.py")

        assert "src/gone.py is missing" in (job.run()["a.t"].error or "")

    def test_other_kinds_of_tasks_fail_with_a_word(self, job: Deployed) -> None:
        job.tasks.append({"task_key": "silver", "pipeline_task": {"pipeline_id": "1"}})

        assert job.run()["silver"].error == "only notebook tasks can be run locally"

    def test_tasks_that_wait_for_one_another_are_refused(self, job: Deployed) -> None:
        job.table("a.t", after="b.t")
        job.table("b.t", after="a.t")

        with pytest.raises(RunError, match="depend on one another: "):
            job.run()

    def test_unknown_upstream_is_refused(self, job: Deployed) -> None:
        job.table("a.t", after="b.t")

        with pytest.raises(RunError, match="a-t depends on b-t, which isn't there"):
            job.run()


class TestNotebooks:
    def test_user_s_own_notebook_gets_its_arguments_and_writes_its_table(
        self, job: Deployed
    ) -> None:
        job.query("gold.delays", "SELECT 'Delta' AS name, 5 AS mean_delay")
        job.run()
        job.write(
            "report.py",
            "# Databricks notebook source\n"
            "# MAGIC %md\n# MAGIC # A report\n\n# COMMAND ----------\n"
            "from pyspark.sql import functions as F\n"
            'dbutils.widgets.text("unit", "minutes")\n'
            "get = dbutils.widgets.get\n"
            'rows = spark.table(get("source"))\n'
            'line = rows.agg(F.max("name").alias("name"), F.max(F.lit(get("unit"))).alias("unit"))\n'
            "display(line)\n"
            'line.write.mode("overwrite").saveAsTable(get("home"))\n'
            'dbutils.notebook.exit("done")\n'
            'raise RuntimeError("not reached")\n',
        )
        job.task(
            "new.report", "report", home="main.new.report", source="main.gold.delays"
        )

        ended = job.run()

        assert ended["new.report"].error is None
        assert ended["new.report"].rows is None
        assert job.rows("new.report") == [("Delta", "minutes")]
        recorded = job.rows("mdf_runs.mdf_runs", "run_id, name, status")
        assert ("7", "new.report", "succeeded") in recorded

    def test_jupyter_notebook(self, job: Deployed) -> None:
        cells = [
            {"cell_type": "markdown", "source": ["# %words"]},
            {"cell_type": "code", "source": ["x = 41\n", "x += 1"]},
            {
                "cell_type": "code",
                "source": ['spark.range(x).write.saveAsTable("main.a.t")'],
            },
        ]
        job.write("own.ipynb", json.dumps({"cells": cells}))
        job.task("a.t", "own", home="main.a.t")

        assert job.run()["a.t"].error is None
        assert len(job.rows("a.t")) == 42

    @pytest.mark.parametrize(
        ("name", "text", "told"),
        [
            (
                "own.py",
                "# MAGIC %sql SELECT 1",
                "it uses %sql, which a local run can't",
            ),
            (
                "own.ipynb",
                '{"cells": [{"cell_type": "code", "source": "%pip install x"}]}',
                "it uses %pip, which a local run can't",
            ),
            (
                "own.py",
                "dbutils.widgets.get('day')",
                'the task gives no parameter "day"',
            ),
            ("own.py", "dbutils.fs.ls('/')", "dbutils.fs is only on Databricks"),
            (
                "own.py",
                "import sys\nsys.exit('enough')",
                "it ended with sys.exit('enough')",
            ),
            ("own.py", "x = (", "SyntaxError: '(' was never closed"),
        ],
    )
    def test_what_only_databricks_can_do_is_said(
        self, job: Deployed, name: str, text: str, told: str
    ) -> None:
        job.write(name, text)
        job.task("a.t", "own", home="main.a.t")

        assert told in (job.run()["a.t"].error or "")

    def test_session_is_the_active_one_for_who_asks(self, job: Deployed) -> None:
        job.write(
            "own.py",
            "from pyspark.sql import SparkSession\n"
            "assert SparkSession.active() is spark\n"
            "assert SparkSession.getActiveSession() is spark\n",
        )
        job.task("a.t", "own", home="main.a.t")

        assert job.run()["a.t"].error is None


class TestModules:
    def test_each_project_has_its_own_copy_of_what_it_imports(
        self, new_deploy: Callable[[str], Deployed]
    ) -> None:
        for name in ("one", "two"):
            deployed = new_deploy(name)
            deployed.write("shared.py", "import names\n\nname = names.OWN\n")
            deployed.write("names.py", f"OWN = {name!r}\n")
            deployed.write(
                "own.py",
                "from shared import name\n"
                "import mdf_runtime\n"
                "assert mdf_runtime.__file__.startswith(__file__.removesuffix('own.py'))\n"
                "dbutils.notebook.exit('{\"rows\": %d}' % len(name))\n"
                f"assert name == {name!r}\n",
            )
            deployed.task("a.t", "own", home=f"main.a.{name}")

            assert deployed.run()["a.t"].error is None

        assert not {"shared", "names", "mdf_runtime"} & sys.modules.keys()
        assert not [name for name in sys.modules if "mdf_local_run" in name]

    def test_changed_module_is_there_at_the_next_run(self, job: Deployed) -> None:
        job.write("own.py", "import names\ndbutils.notebook.exit(names.ROWS)\n")
        job.task("a.t", "own", home="main.a.t")
        for rows in (1, 2):
            job.write("names.py", f"ROWS = '{{\"rows\": {rows}}}'\n")

            assert job.run()["a.t"].rows == rows

    def test_function_on_rows_may_use_a_module_of_the_project(
        self, job: Deployed
    ) -> None:
        job.write(
            "names.py",
            "def shout(text):\n    return text.upper() + MARK\n\n\nMARK = '!'\n",
        )
        job.source(
            "part.py",
            "from names import shout\n"
            "from pyspark.sql import functions as F\n\n\n"
            "def rows(spark):\n"
            "    loud = F.udf(lambda text: shout(text) * 2)\n"
            "    return spark.sql(\"SELECT 'a' AS x\").select(loud('x').alias('x'))\n\n\n"
            'TABLES = {"a.t": {"home": "main.a.t", "write": "overwrite", "python": rows, "arguments": {}}}',
        )
        job.table("a.t")

        assert job.run()["a.t"].error is None
        assert job.rows("a.t") == [("A!A!",)]

    def test_dataclass_in_a_module(self, job: Deployed) -> None:
        """The standard library looks for the module in sys.modules."""
        job.write(
            "names.py",
            "from __future__ import annotations\n"
            "from dataclasses import dataclass\nfrom typing import get_type_hints\n\n\n"
            "@dataclass\nclass Name:\n    text: str\n\n\nget_type_hints(Name)\n",
        )
        job.write("own.py", "from names import Name\nassert Name('a') == Name('a')\n")
        job.task("a.t", "own", home="main.a.t")

        assert job.run()["a.t"].error is None


class TestConcurrency:
    def test_as_many_run_at_once_as_asked_for(self, job: Deployed) -> None:
        """Both wait for each other; one after the other they would time out."""
        job.write(
            "gate.py", "import threading\nbarrier = threading.Barrier(2, timeout=20)\n"
        )
        job.write("own.py", "import gate\ngate.barrier.wait()\n")
        job.task("a.t", "own", home="main.a.t")
        job.task("b.t", "own", home="main.b.t")

        ended = job.run(concurrency=2)

        assert [one.error for one in ended.values()] == [None, None]

    def test_many_tables_at_once_all_leave_their_rows(self, job: Deployed) -> None:
        for number in range(8):
            job.query(f"a.t{number}", f"SELECT {number} AS x")

        ended = job.run(concurrency=4)

        assert {one.error for one in ended.values()} == {None}
        assert len(job.rows("mdf_runs.mdf_runs")) == 8

    def test_one_job_runs_once_at_a_time(self, job: Deployed) -> None:
        """Else two kernels would append the same rows."""
        job.query("a.t", "SELECT 1 AS x")
        refused: list[str] = []
        run = LocalRun(job.engine, "1", "main.mdf_runs")

        def again(outcome: TaskRun) -> None:
            if outcome.status == "running":
                with pytest.raises(RunError, match="is running already") as error:
                    run_job(job.spec, replace(run, run_id="2"), files=job.files)
                refused.append(str(error.value))

        ended = run_job(job.spec, run, files=job.files, on_progress=again)

        assert [one.status for one in ended] == ["succeeded"]
        assert len(refused) == 1


INTERRUPTED = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.running.local_run import run_job
from mdf_magics.running.scheduling import LocalRun

spec, files, warehouse = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])

def tell(outcome):
    print(outcome.table, outcome.status, flush=True)

run = LocalRun(EmbeddedEngine(warehouse, "main"), "1", "main.mdf_runs", concurrency=1)
ended = run_job(spec, run, files=files, on_progress=tell)
print(json.dumps([asdict(one) for one in ended]), flush=True)
"""


def test_ctrl_c_cancels_what_runs_and_starts_nothing_more(
    job: Deployed, tmp_path: Path
) -> None:
    job.query("a.first", "SELECT 1 AS x")
    job.query(
        "b.long",
        "SELECT max(sha2(string(id), 256)) AS n FROM range(200000000)",
        after="a.first",
    )
    job.query("c.never", "SELECT 1 AS x")
    job.tasks[2]["depends_on"] = [{"task_key": "b-long"}]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            INTERRUPTED,
            json.dumps({"tasks": job.tasks}),
            str(job.files),
            str(tmp_path / "warehouse"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            if line == "b.long running\n":
                break
        time.sleep(0.5)  # into the query; before it the interrupt does the same
        process.send_signal(signal.SIGINT)
        ended = json.loads(output.read().splitlines()[-1])
    assert process.wait() == 0
    assert [(one["table"], one["status"]) for one in ended] == [
        ("a.first", "succeeded"),
        ("b.long", "cancelled"),
        ("c.never", "cancelled"),
    ]
