"""Builds the tables of a part: on a job task by task, in a pipeline as its datasets.

Generated sources import this file, which lies beside them; it needs pyspark and the
standard library only. A source describes its tables as data, by name:

    home                  catalog.schema.table
    write                 overwrite, append, merge, scd2 or view
    keys, sequence_by, watermark, apply_as_deletes    where `write` needs them
    sql or python         the function that makes the rows
    arguments             what it is called with: SQL texts, values, or what is opened
                          here: {"table": name}, {"stream": name}, {"date": text},
                          {"timestamp": text}, {"files": {path, format, options,
                          schema}}
    expectations          [{name, check, on_failure: warn, drop, fail or quarantine}]
    description, columns, tags, cluster_by, on_schema_change, adopt

`run_task` is a job's way in, `register` a pipeline's. Three seams let the same code run
elsewhere: `pipelines`, `new_in_pipeline`, and WAREHOUSE, the folder of the embedded
engine (Sail). Where Sail and Databricks differ, a function asks `warehouse()`.
"""

from __future__ import annotations

import glob
import hashlib
import inspect
import json
import os
import shutil
import tempfile
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import partial, reduce
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.errors import ParseException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - the name everybody gives it
from pyspark.sql import types as T  # noqa: N812

Table = dict[str, Any]
"""One entry of TABLES; from `run_task` and `register` on with its `name`."""

Open = Callable[[SparkSession, Table, str, str, Any], DataFrame]
"""Opens what is read incrementally: called with session, table, home, kind and what;
kind is `stream` (what: a full name) or `files` (what: their description)."""

WAREHOUSE: str | None = None
"""The embedded engine's folder; while it is None, the variable MDF_WAREHOUSE counts."""

LEAVE = ("drop", "quarantine")
"""What keeps a failing row out of its table."""


class TableError(Exception):
    """A table can't be built; the message says why and what to do."""


def warehouse() -> Path | None:
    """The folder of the embedded engine; None on a cluster."""
    folder = WAREHOUSE or os.environ.get("MDF_WAREHOUSE")
    return Path(folder).absolute() if folder else None


# ---- In a pipeline -------------------------------------------------------------------


def pipelines() -> Any:
    """The decorators of pipelines, imported nowhere else: a recorder may stand in."""
    from pyspark import pipelines

    return pipelines


def new_in_pipeline(
    spark: SparkSession, _table: Table, _home: str, kind: str, what: Any
) -> DataFrame:
    """What a pipeline's last update has not seen; elsewhere a batch may stand in."""
    if kind == "stream":
        return spark.readStream.table(quoted(what))
    return auto_loader(spark, what)


def register(spark: SparkSession, tables: dict[str, Table]) -> None:
    """Declare the tables of a source as datasets of the pipeline that runs it."""
    for name in tables:
        declare(pipelines(), spark, named(tables, name))


def declare(dp: Any, spark: SparkSession, table: Table) -> None:
    """Declare one table, and the one for its rejected rows.

    Expectations are real ones, so that the event log counts them. A target of AUTO CDC
    takes none: there they sit on the view that feeds it.
    """
    home, rules = table["home"], table.get("expectations", [])
    publish = dp.materialized_view if table["write"] == "overwrite" else dp.table

    def rows() -> DataFrame:
        return query(spark, table, home, new_in_pipeline)

    checked = rows
    for decorator, kinds in (
        ("expect_all", ("warn",)),
        ("expect_all_or_drop", LEAVE),
        ("expect_all_or_fail", ("fail",)),
    ):
        if chosen := checks(rules, *kinds):  # open-source pipelines have none of these
            checked = getattr(dp, decorator)(chosen)(checked)
    if table["write"] in ("merge", "scd2"):
        follow_changes(dp, table, checked)
    else:
        publish(name=home, **stated(table))(checked)
    if aside := aside_of(table):
        elsewhere = aside["home"]

        def rejected() -> DataFrame:
            return failing(query(spark, table, elsewhere, new_in_pipeline), rules)

        publish(name=elsewhere, **stated(aside))(rejected)


def follow_changes(dp: Any, table: Table, rows: Callable[[], DataFrame]) -> None:
    """Declare a table that AUTO CDC keeps, and the view that feeds it."""
    home, history = table["home"], table["write"] == "scd2"
    feed = "__".join([*home.split(".")[1:], "changes"])
    deletes = table.get("apply_as_deletes")
    dp.temporary_view(name=feed)(rows)
    dp.create_streaming_table(name=home, **stated(table))
    dp.create_auto_cdc_flow(
        target=home,
        source=feed,
        keys=table["keys"],
        sequence_by=table["sequence_by"],
        apply_as_deletes=F.expr(deletes) if deletes else None,
        except_column_list=[table["sequence_by"]] if history else None,
        stored_as_scd_type=2 if history else 1,
    )


def stated(table: Table) -> dict[str, Any]:
    """What a dataset of a pipeline says of itself beside its rows."""
    said: dict[str, Any] = {"table_properties": {"mdf.table": table["name"]}}
    if "description" in table:
        said["comment"] = table["description"]
    if (columns := table.get("cluster_by")) == "auto":
        said["cluster_by_auto"] = True
    elif columns:
        said["cluster_by"] = columns
    return said


# ---- On a job ------------------------------------------------------------------------


@dataclass
class Run:
    """What one task did: its row in `mdf_runs`, and what its notebook exits with."""

    run_id: str
    name: str
    started: datetime
    seconds: float = 0.0
    rows_read: int | None = None
    """Rows of the query; known where they were counted for expectations."""
    rows: int | None = None
    """Rows written or changed; None for a view and where the engine doesn't say."""
    dropped: int = 0
    quarantined: int = 0
    failed: str = "{}"
    """JSON: how many rows failed each expectation."""
    status: str = "failed"
    error: str | None = None


RUN_TYPES = {"started": "TIMESTAMP", "seconds": "DOUBLE"} | dict.fromkeys(
    ("rows_read", "rows", "dropped", "quarantined"), "BIGINT"
)
"""The columns of `mdf_runs` that aren't strings."""


def run_task(
    spark: SparkSession, dbutils: Any, tables: dict[str, Table], runs_schema: str
) -> None:
    """Build the table that the task's widget `table` names, and leave a row about it.

    Args:
        spark: The session.
        dbutils: The notebook's; its widgets `table` and `run_id` say what to do, and
            `full_refresh`, if it is `true`, that the table begins anew.
        tables: The source's TABLES.
        runs_schema: `catalog.schema` of the table `mdf_runs`.

    Raises:
        TableError: The table can't be built as it is described. Errors of the engine
            and of the table's own function are raised as they are.
    """
    dbutils.widgets.text("full_refresh", "false")  # the task may leave it out
    name, run_id = dbutils.widgets.get("table"), dbutils.widgets.get("run_id")
    run, clock = Run(run_id, name, datetime.now(UTC)), time.perf_counter()
    try:
        table = named(tables, name)
        table["anew"] = dbutils.widgets.get("full_refresh") == "true"
        build(spark, table, run, runs_schema)
    except Exception as error:
        run.seconds, run.error = since(clock), sentence(name, error)
        try:
            record(spark, run, runs_schema)
        except TableError as unrecorded:
            error.add_note(str(unrecorded))
        if isinstance(error, TableError):
            error.args = (run.error,)  # its table's name first
        raise
    run.seconds, run.status = since(clock), "succeeded"
    record(spark, run, runs_schema)
    dbutils.notebook.exit(json.dumps(asdict(run), default=datetime.isoformat))


def since(clock: float) -> float:
    """Seconds since a reading of the clock, as exactly as any engine keeps them."""
    return round(time.perf_counter() - clock, 6)


def named(tables: dict[str, Table], name: str) -> Table:
    """A table of a source, with its name."""
    if name not in tables:
        raise TableError(f"is not in this source. There are: {', '.join(tables)}.")
    return {"name": name, **tables[name]}


def sentence(name: str, error: BaseException) -> str:
    """What went wrong with a table, in one line that starts with its name."""
    kind = type(error)
    told = str(error).strip().partition("\n")[0]
    if told.startswith(f"{name}: "):
        return told
    if kind is not TableError and not kind.__module__.startswith("pyspark."):
        told = f"{kind.__name__}: {told}".removesuffix(": ")
    return f"{name}: {told}"


def build(spark: SparkSession, table: Table, run: Run, runs_schema: str) -> None:
    """Bring one table up to date and note in `run` what happened."""
    known = properties(spark, table)
    table["anew"] = table.get("anew") or known.get("mdf.anew") == "true"
    if table["write"] == "view":
        replace_view(spark, table)
        tend(spark, table, known)
        return
    checkpoints = f"/Volumes/{runs_schema.replace('.', '/')}/checkpoints"
    new = partial(new_in_job, checkpoints=checkpoints)
    rows = query(spark, table, table["home"], new)
    if table["write"] != "overwrite":
        demand(table, ("keys", "sequence_by", "watermark"), rows, "its query")
    streamed = is_streamed(table)
    if streamed:
        make_schema(spark, f"{runs_schema}.mdf_runs")
        spark.sql(f"CREATE VOLUME IF NOT EXISTS {quoted(runs_schema)}.`checkpoints`")
        run.rows = pour(spark, table, rows, checkpoints, run)
    else:
        if rules := table.get("expectations"):
            note(rows.agg(*counters(rules)).first(), rules, run)
        run.rows = write(spark, table, rows)
        if run.rows_read is None and table["write"] in ("overwrite", "append"):
            run.rows_read = run.rows
    tend(spark, table, known)
    if aside := aside_of(table):
        begun = properties(spark, aside).get("mdf.anew") == "true"
        aside["anew"] = table["anew"] or begun
        rows = query(spark, aside, aside["home"], new)
        rows = failing(rows, table["expectations"])
        if streamed:
            run.quarantined = pour(spark, aside, rows, checkpoints)
        else:
            run.quarantined = write(spark, aside, rows) or 0


def record(spark: SparkSession, run: Run, runs_schema: str) -> None:
    """Add a row to `mdf_runs`."""
    values = [
        F.lit(value).cast(RUN_TYPES.get(name, "STRING")).alias(name)
        for name, value in asdict(run).items()
    ]
    home = f"{runs_schema}.mdf_runs"
    table = {"name": "mdf_runs", "home": home, "description": "A row for each task."}
    try:
        append(spark, table, spark.range(1).select(*values))
    except Exception as error:
        told = str(error).strip().partition("\n")[0]  # Spark adds its stack trace
        raise TableError(f"{run.name}: {home} takes no row of this: {told}") from error


def replace_view(spark: SparkSession, table: Table) -> None:
    """Create a view, or give it a new query.

    Sail forgets views with its server, so the statement is kept in the warehouse too:
    who executes `<schema>/<view>.view.sql` has the view again.
    """
    home, text = table["home"], table["sql"](**table["arguments"]).strip()
    folder = folder_of(home)
    if folder and has_log(folder):
        raise TableError(
            f"{home} is a table with data, and a view can't take its place. "
            "Give the view another name, or remove the table first."
        )
    columns = ""
    if table.get("columns"):
        names = spark.sql(text).columns
        columns = f" ({', '.join(ticked(one) + remark(table, one) for one in names)})"
    head = f"CREATE OR REPLACE VIEW {quoted(home)}{columns}{clauses(table)}"
    statement = f"{head} AS\n{text}"
    make_schema(spark, home)
    spark.sql(statement)
    if folder:
        write_whole(view_file(folder), f"{statement}\n")


# ---- Reading -------------------------------------------------------------------------


def query(spark: SparkSession, table: Table, home: str, new: Open) -> DataFrame:
    """The rows of a table: its function, called with every argument opened.

    Args:
        spark: The session.
        table: An entry of TABLES.
        home: Where the rows are to go: the table, or that of its rejected rows.
        new: Opens what is read incrementally. `everything` reads it whole.
    """
    given = table["arguments"]
    objects = {
        name: opened(spark, table, home, new, *next(iter(value.items())))
        for name, value in given.items()
        if isinstance(value, dict)
    }
    if "sql" in table:
        return select(spark, table["sql"], given, objects)
    if "spark" in inspect.signature(table["python"]).parameters:
        objects["spark"] = spark
    rows: Any = table["python"](**given | objects)
    if rows is None:
        raise TableError("its function returned nothing. Does it end in  return ...  ?")
    # Spark's classes of DataFrames have no common base before version 4.
    if not hasattr(type(rows), "selectExpr"):
        raise TableError(
            f"its function returned {type(rows).__name__}, not a DataFrame of Spark. "
            "Return the rows as they are before  collect  or  toPandas ."
        )
    return rows  # type: ignore[no-any-return]


def opened(
    spark: SparkSession, table: Table, home: str, new: Open, kind: str, what: Any
) -> Any:
    """What an argument stands for: a DataFrame, a date or a timestamp."""
    if kind == "date":
        return date.fromisoformat(what)
    if kind == "timestamp":
        return datetime.fromisoformat(what)
    if kind == "table":
        return spark.table(quoted(what))
    if kind == "files" and table["write"] == "overwrite":
        return read(spark, what)
    return new(spark, table, home, kind, what)


def select(
    spark: SparkSession,
    function: Callable[..., str],
    given: dict[str, Any],
    frames: dict[str, Any],
) -> DataFrame:
    """The rows of a query with DataFrames in the slots of its text.

    `spark.sql` puts a DataFrame where its name stands in braces; so where there is one,
    braces of the query's own are doubled.
    """
    if not frames:
        return spark.sql(function(**given))
    slots = {name: f"\0{name}\0" for name in frames}
    text = doubled(function(**given | slots))
    for name, slot in slots.items():
        text = text.replace(slot, f"{{slot_{name}}}")
    return spark.sql(text, **{f"slot_{name}": rows for name, rows in frames.items()})


def demand(table: Table, roles: tuple[str, ...], rows: DataFrame, where: str) -> None:
    """Refuse a table that goes by a column which isn't there.

    Args:
        table: The table.
        roles: Those of its settings that name columns of the rows.
        rows: Where they must be.
        where: What the rows are, for the message.
    """
    given = {role: table[role] for role in roles if table.get(role)}
    there = rows.columns if given else []
    known = {name.lower() for name in there}
    for role, names in given.items():
        for name in [names] if isinstance(names, str) else names:
            if name.lower() not in known:
                shown = textwrap.shorten(", ".join(there), 200, placeholder=" ...")
                raise TableError(
                    f"its {role} {name} is no column of {where}. There are: {shown}."
                )


def everything(
    spark: SparkSession, _table: Table, _home: str, kind: str, what: Any
) -> DataFrame:
    """All rows of a stream or of files, as for a table that isn't there yet."""
    return spark.table(quoted(what)) if kind == "stream" else read(spark, what)


def new_in_job(
    spark: SparkSession, table: Table, home: str, kind: str, what: Any, checkpoints: str
) -> DataFrame:
    """Rows above the target's maximum of the watermark; files not taken yet.

    Rows whose watermark is NULL are above nothing and are never taken. A table that
    begins anew takes everything.

    Raises:
        TableError: An append from a stream without a watermark would add the same rows
            again and again.
    """
    if kind == "files":
        if folder := folder_of(home):
            return unread(spark, what, Manifest(folder), anew=table.get("anew", False))
        return auto_loader(spark, what, f"{checkpoints}/{home}")
    mark, rows = table.get("watermark"), spark.table(quoted(what))
    if table.get("anew"):
        return rows
    if mark is None:
        if table["write"] == "append":
            raise TableError(
                f"on a job an append from {what} needs a watermark, a column that "
                "grows with new rows. Add  watermark: COLUMN  to the table."
            )
        return rows
    demand(table, ("watermark",), rows, what)
    if not exists(spark, home):
        return rows.where(f"{ticked(mark)} IS NOT NULL")
    held = mark
    if table["write"] == "scd2" and mark == table["sequence_by"]:
        held = "__START_AT"
    last, mark = f"(SELECT max({ticked(held)}) FROM {quoted(home)})", ticked(mark)
    new = f"coalesce({mark} > {last}, {last} IS NULL AND {mark} IS NOT NULL)"
    return spark.sql(f"SELECT * FROM {{rows}} WHERE {doubled(new)}", rows=rows)


def is_streamed(table: Table) -> bool:
    """Whether a job writes a table as a stream: with new files, except on Sail."""
    given = table["arguments"].values()
    files = any(isinstance(one, dict) and "files" in one for one in given)
    return files and table["write"] == "append" and not warehouse()


def auto_loader(
    spark: SparkSession, files: dict[str, Any], schemas: str | None = None
) -> DataFrame:
    """A stream of new files by Databricks' Auto Loader.

    Args:
        spark: The session.
        files: Their path, format, options and, if known, schema.
        schemas: On a job, where it remembers the schema that it found.
    """
    options = dict(files.get("options", {}))
    if "inferSchema" in options:
        options["cloudFiles.inferColumnTypes"] = options.pop("inferSchema")
    reader = spark.readStream.format("cloudFiles").options(**options)
    reader = reader.option("cloudFiles.format", files["format"])
    if "schema" in files:
        reader = reader.schema(files["schema"])
    elif schemas:
        reader = reader.option("cloudFiles.schemaLocation", schemas)
    return reader.load(files["path"])


def read(
    spark: SparkSession, files: dict[str, Any], paths: list[str] | None = None
) -> DataFrame:
    """The rows of files, as a batch.

    Args:
        spark: The session.
        files: Their path, format, options and, if known, schema.
        paths: Only these files; by default all that are at the path.

    Raises:
        TableError: On the embedded engine, where Sail would read a missing file as an
            empty one: nothing is at the path.
    """
    reader = spark.read.format(files["format"]).options(**files.get("options", {}))
    if "schema" in files:
        reader = reader.schema(files["schema"])
    if paths is None and warehouse() and "://" not in files["path"]:
        path, paths = Path(files["path"]), files_at(files["path"])
        if not paths and not ("schema" in files and path.is_dir()):
            raise TableError(f"there is no file at {path}. Is the path right?")
        if path.exists():  # a URI: in a path Sail takes [ and { for a pattern
            paths = [path.absolute().as_uri()]
    return reader.load(files["path"] if paths is None else paths)


def unread(
    spark: SparkSession, files: dict[str, Any], manifest: Manifest, *, anew: bool
) -> DataFrame:
    """The rows of the files that a table of the embedded engine hasn't taken yet.

    Those of all files, if it begins `anew`.
    """
    if "://" in files["path"]:
        raise TableError(
            f"{files['path']} isn't on this machine, and new files elsewhere are known "
            "on Databricks only. Read them with  write: overwrite , or copy them here."
        )
    if new := manifest.begin(files_at(files["path"]), anew=anew):
        return read(spark, files, new)
    return read(spark, files).where("false")


def files_at(path: str) -> list[str]:
    """The files that a local path, folder or pattern names, as URIs, sorted.

    Folders are searched whole; what starts with `_` or `.` is hidden, as in Spark.
    """
    found: list[Path] = []
    literally = Path(path).exists()
    for start in [path] if literally else glob.glob(path, recursive=True):  # noqa: PTH207
        top = Path(start).absolute()
        above = top if literally else top.parent
        for file in [top] if top.is_file() else top.rglob("*"):
            parts = file.relative_to(above).parts
            if file.is_file() and not any(part[0] in "_." for part in parts):
                found.append(file)
    return sorted({file.as_uri() for file in found})


class Manifest:
    """Which files a table of the embedded engine has taken: each exactly once.

    A batch of files stands here before it is written, and its commit bears the batch's
    id (Delta's userMetadata, kept in the commit's JSON). So a run that was killed in
    between is settled by what the table's log says. The manifest lies in the table's
    folder, where Delta takes no notice of it, and goes away with it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "_mdf_files.json"
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.taken: list[str] = kept.get("taken", [])
        self.batch: dict[str, Any] | None = kept.get("batch")

    def begin(self, files: list[str], *, anew: bool = False) -> list[str]:
        """Make those files that are new the next batch, or all, and return them."""
        self.settle()
        new = sorted(set(files) - set(() if anew else self.taken))
        if new:
            self.batch = {"id": uuid.uuid4().hex, "after": version(self.folder)}
            self.batch["files"] = new
            self.save()
        return new

    def settle(self, *, written: bool = False) -> int:
        """Close the batch: its files are taken if its commit is in the table's log.

        Args:
            written: It was written just now; a batch without rows leaves no commit.

        Returns:
            How many rows it added.
        """
        if self.batch is None:
            return 0
        commit = self.commit(self.batch)
        if commit or written:
            self.taken = sorted({*self.taken, *self.batch["files"]})
        self.batch = None
        self.save()
        return int(commit["operationMetrics"]["numOutputRows"]) if commit else 0

    def commit(self, batch: dict[str, Any]) -> dict[str, Any] | None:
        """What the table's log says of the commit that bears the batch's id."""
        for number in range(batch["after"] + 1, version(self.folder) + 1):
            info = commit_info(self.folder, number)
            if info.get("userMetadata") == batch["id"]:
                return info
        return None

    def save(self) -> None:
        """Keep the manifest in its file."""
        state = {"taken": self.taken, "batch": self.batch}
        write_whole(self.file, json.dumps(state, indent=0))


# ---- Expectations --------------------------------------------------------------------


def checks(rules: list[dict[str, str]], *kinds: str) -> dict[str, str]:
    """SQL by rule that is true or false, never NULL: NULL counts as failing.

    Args:
        rules: A table's expectations.
        kinds: Only those with one of these `on_failure`; none means all.
    """
    return {
        rule["name"]: f"coalesce(({rule['check']}), false)"
        for rule in rules
        if not kinds or rule["on_failure"] in kinds
    }


def all_hold(rules: list[dict[str, str]], *kinds: str) -> str:
    """SQL that is true for rows which no rule of these kinds rejects."""
    return " AND ".join(checks(rules, *kinds).values()) or "true"


def counters(rules: list[dict[str, str]]) -> list[Column]:
    """Aggregates for `note`: rows, those for quarantine, those left out, failures."""
    valid = [all_hold(rules, "quarantine"), all_hold(rules, *LEAVE)]
    valid += checks(rules).values()
    failures = [F.count_if(F.expr(f"NOT ({one})")) for one in valid]
    named = [F.count(F.lit(1)), *failures]
    return [one.alias(f"figure_{number}") for number, one in enumerate(named)]


def note(figures: Any, rules: list[dict[str, str]], run: Run) -> None:
    """Note what `counters` found.

    Raises:
        TableError: Rows fail a rule whose `on_failure` is `fail`.
    """
    run.rows_read, aside, left_out, *failures = figures
    run.dropped = left_out - aside
    failed = dict(zip(checks(rules), failures, strict=True))
    run.failed = json.dumps(failed)
    must = [
        f"{failed[name]} fail {name}" for name in checks(rules, "fail") if failed[name]
    ]
    if must:
        raise TableError(
            f"of {run.rows_read} rows {', '.join(must)}. Nothing was written. "
            "Mend them where they come from, or leave them out in the query."
        )


def kept(rows: DataFrame, table: Table) -> DataFrame:
    """The rows that go into the table.

    A row that fails a `fail` rule stops the write, should it have come since counting.
    """
    rules = table.get("expectations", [])
    stay, valid = all_hold(rules, *LEAVE), all_hold(rules, "fail")
    if checks(rules, "fail"):
        names = literal(f"rows fail {' or '.join(checks(rules, 'fail'))}")
        stay = f"CASE WHEN {valid} THEN {stay} ELSE raise_error({names}) END"
    return rows if stay == "true" else rows.where(stay)


def failing(rows: DataFrame, rules: list[dict[str, str]]) -> DataFrame:
    """The rows for quarantine; `mdf_failed` names all rules that each one fails."""
    names = (f"if({c}, NULL, {literal(name)})" for name, c in checks(rules).items())
    failed = F.expr(f"array_compact(array({', '.join(names)}))")
    return rows.where(f"NOT ({all_hold(rules, 'quarantine')})").withColumn(
        "mdf_failed", failed
    )


def aside_of(table: Table) -> Table | None:
    """The table of a table's rejected rows; None where nothing goes to quarantine.

    It is replaced with an overwritten table; else it gets each row once.
    """
    if not checks(table.get("expectations", []), "quarantine"):
        return None
    inherited = ("sql", "python", "arguments", "watermark", "adopt", "anew")
    writes = {"overwrite": "overwrite", "append": "append"}
    return {
        **{key: table[key] for key in inherited if key in table},
        "name": f"{table['name']}_quarantine",
        "home": f"{table['home']}_quarantine",
        "write": writes.get(table["write"], "append_unseen"),
        "description": f"Rows that expectations keep out of {table['name']}.",
    }


# ---- Writing -------------------------------------------------------------------------


def write(spark: SparkSession, table: Table, rows: DataFrame) -> int | None:
    """Write a query's rows into its table; return how many, if the engine says so."""
    if table.get("anew") and table["write"] in ("merge", "scd2"):
        return overwrite(spark, table, whole(rows, table))
    return WRITES[table["write"]](spark, table, kept(rows, table))


def whole(rows: DataFrame, table: Table) -> DataFrame:
    """What a table holds that is built on nothing from all rows of its query."""
    rows = kept(rows, table)
    if table["write"] not in ("merge", "scd2"):
        return rows
    changes = events(rows, table)
    if table["write"] == "scd2":
        return history(changes, table)
    return newest(changes, table).where("NOT mdf_delete").drop("mdf_delete")


def overwrite(spark: SparkSession, table: Table, rows: DataFrame) -> int | None:
    """Replace a table's data in one commit, by column name; keep the table itself.

    The table is created once with its full DDL. Replacing data only keeps its id,
    comments, properties, clustering, tags, grants and history (Delta; Databricks,
    "INSERT"). When the query's columns change, new ones are added first, by ALTER TABLE
    ADD COLUMNS. One that is gone or has another type wants a new table in place of the
    old one, which breaks streams that read it: on Databricks that takes
    `on_schema_change: replace`, on the embedded engine it is the rule. Sail has no ADD
    COLUMNS; there new columns replace the table too, still in one commit.

    Returns:
        How many rows were written, if the engine says so.

    Raises:
        TableError: The columns change in a way that `on_schema_change` doesn't allow.
    """
    home = table["home"]
    if not exists(spark, home):
        create(spark, table, rows.schema.fields)
    elif drift := differences(spark.table(quoted(home)).schema, rows.schema):
        default = "replace" if warehouse() else "add_columns"
        allowed = table.get("on_schema_change", default)
        if allowed == "fail" or (allowed == "add_columns" and not drift.only_new):
            raise TableError(
                f"the query hasn't the columns of {home}: {drift}. Nothing was "
                "written. Give it those columns, or say  on_schema_change: replace  to "
                "have the table replaced."
            )
        if warehouse() or not drift.only_new:
            return replace(spark, table, rows)
        add_columns(spark, table, drift.added)
    return insert(spark, "INSERT OVERWRITE", home, rows)


def append(spark: SparkSession, table: Table, rows: DataFrame) -> int | None:
    """Add rows to a table; those of a batch of files under the batch's id."""
    home = table["home"]
    if exists(spark, home):
        rows = fitted(spark, table, rows)
    else:
        create(spark, table, rows.schema.fields)
    folder, anew = folder_of(home), table.get("anew")
    manifest = Manifest(folder) if folder else None
    if not (manifest and manifest.batch):
        return insert(spark, f"INSERT {'OVERWRITE' if anew else 'INTO'}", home, rows)
    # By its folder: saveAsTable knows columns in lower case only.
    rows = rows.select(*map(ticked, spark.table(quoted(home)).columns))
    writer = rows.write.format("delta").option("userMetadata", manifest.batch["id"])
    writer.mode("overwrite" if anew else "append").save(str(folder))
    return manifest.settle(written=True)


def append_unseen(spark: SparkSession, table: Table, rows: DataFrame) -> int | None:
    """Add the rows that the table doesn't hold yet."""
    if exists(spark, table["home"]) and not table.get("anew"):
        rows = fitted(spark, table, rows).exceptAll(spark.table(quoted(table["home"])))
    return append(spark, table, rows)


def merge(spark: SparkSession, table: Table, rows: DataFrame) -> int | None:
    """Keep the newest row of each key; of two at one time a deletion, else either.

    Without `sequence_by` the rows are all there is, and a key twice is an error that
    shows it. A deletion is remembered by the source, which is read whole unless there
    is a watermark: a row that comes after it with an older time stays out.
    """
    rows, sequence = newest(events(rows, table), table), table.get("sequence_by")
    newer = f"new.{ticked(sequence)} >= old.{ticked(sequence)}" if sequence else "true"
    return merge_into(spark, table, rows, table["keys"], newer)


def newest(rows: DataFrame, table: Table) -> DataFrame:
    """One change for each key; without `sequence_by` there may be no other."""
    keys = table["keys"]
    if sequence := table.get("sequence_by"):
        return last_of(rows, keys, sequence)
    twice = f"the key {', '.join(keys)} is there twice: "
    advice = ". Nothing was written. Let the query give one row for each key."
    json_of_key = f"to_json(struct({listed(keys)}))"
    shown = f"concat({literal(twice)}, {json_of_key}, {literal(advice)})"
    twins = F.count("*").over(Window.partitionBy(*keys))
    rows = ensured(rows.withColumn("mdf_twins", twins), "mdf_twins = 1", shown)
    return rows.drop("mdf_twins")


def scd2(spark: SparkSession, table: Table, rows: DataFrame) -> int | None:
    """Keep the history of each key that has new rows, computed from the whole source.

    So a late row lands where it belongs; rows that it split or joined are deleted.
    """
    home, keys = table["home"], table["keys"]
    touched = rows.select(*keys).distinct()
    if table.get("watermark"):
        rows = kept(query(spark, table, home, everything), table)
        rows = rows.join(touched, keys, "left_semi")
    told = history(events(rows, table), table).withColumn("mdf_delete", F.lit(False))
    same = [*keys, "__START_AT"]
    if exists(spark, home):
        told = fitted(spark, table, told, "mdf_delete")
        held = spark.table(quoted(home)).join(touched, keys, "left_semi")
        held = held.select(*same).distinct()
        # An anti join for rows to delete would compute the history a second time.
        told = told.join(held, same, "full_outer").fillna(True, "mdf_delete")
    return merge_into(spark, table, told, same, "true")


def events(rows: DataFrame, table: Table) -> DataFrame:
    """Rows as changes, of which `mdf_delete` says whether they delete their key.

    None may lack its key or its place in the sequence, as AUTO CDC demands.
    """
    deletes = table.get("apply_as_deletes", "false")
    rows = rows.withColumn("mdf_delete", F.expr(f"coalesce(({deletes}), false)"))
    needed = [*table["keys"], *filter(None, [table.get("sequence_by")])]
    there = " AND ".join(f"{ticked(name)} IS NOT NULL" for name in needed)
    told = f"a row has NULL in {' or '.join(needed)}. Nothing was written. "
    return ensured(rows, there, literal(f"{told}Leave it out:  WHERE {there}"))


def ensured(rows: DataFrame, condition: str, message: str) -> DataFrame:
    """The rows; executing them fails with the message (SQL) where one doesn't hold."""
    refusal = f"raise_error({message})"
    return rows.where(f"CASE WHEN {condition} THEN true ELSE {refusal} END")


def last_of(rows: DataFrame, keys: list[str], sequence: str) -> DataFrame:
    """Each key's last change; a hash of the row settles which of two equals counts."""
    plain = [c.name for c in rows.schema if "map<" not in c.dataType.simpleString()]
    order = [F.desc(sequence), F.desc("mdf_delete"), F.xxhash64(*plain).desc()]
    place = F.row_number().over(Window.partitionBy(*keys).orderBy(*order))
    return rows.withColumn("mdf_place", place).where("mdf_place = 1").drop("mdf_place")


def history(rows: DataFrame, table: Table) -> DataFrame:
    """What AUTO CDC type 2 makes of changes (the algorithm of open-source Spark).

    Consecutive equal changes are one run: from its first change to the next one outside
    of it, with the values of its last one. A deletion ends a run and shows nothing.
    """
    keys, sequence = table["keys"], table["sequence_by"]
    rows = last_of(rows, [*keys, sequence], sequence)
    order = Window.partitionBy(*keys).orderBy(sequence)
    tracked = [ticked(c) for c in rows.columns if c not in (*keys, sequence)]
    # One by one: Sail takes five times as long for the struct of all.
    goes_on = [F.col(c).eqNullSafe(F.lag(c).over(order)) for c in tracked]
    rows = rows.withColumn("mdf_opens", ~reduce(Column.__and__, goes_on))
    opened = F.when(F.col("mdf_opens"), F.col(ticked(sequence)))
    told = {
        "__START_AT": F.max(opened).over(order),
        "__END_AT": F.lead(sequence).over(order),
        "mdf_closes": F.lead("mdf_opens", 1, True).over(order),
    }
    rows = rows.withColumns(told)
    shown = rows.where("mdf_closes AND NOT mdf_delete")
    return shown.drop("mdf_opens", "mdf_closes", "mdf_delete", sequence)


def merge_into(
    spark: SparkSession, table: Table, rows: DataFrame, keys: list[str], newer: str
) -> int | None:
    """Change, add and delete rows of a table in one commit, and only where they differ.

    Args:
        spark: The session.
        table: The table.
        rows: At most one for each key, with `mdf_delete`.
        keys: The columns that find a row's counterpart.
        newer: SQL over `old` and `new`: whether the counterpart gives way.

    Returns:
        How many rows were changed, added or deleted.
    """
    home = table["home"]
    if not exists(spark, home):
        create(spark, table, rows.drop("mdf_delete").schema.fields)
    rows = fitted(spark, table, rows, "mdf_delete")
    fields = [field for field in rows.schema if field.name != "mdf_delete"]
    names = [ticked(field.name) for field in fields]
    equal = " AND ".join(f"old.{name} <=> new.{name}" for name in names)
    if any("map<" in field.dataType.simpleString() for field in fields):
        equal = "false"  # maps can't be compared
    same = " AND ".join(f"old.{ticked(key)} = new.{ticked(key)}" for key in keys)
    deletes = f"WHEN MATCHED AND new.mdf_delete AND {newer} THEN DELETE "
    unless = "AND NOT new.mdf_delete "
    if table["write"] == "merge" and "apply_as_deletes" not in table:
        deletes = unless = ""
    statement = (
        f"MERGE INTO {quoted(home)} AS old USING \0 AS new ON {same} {deletes}"
        f"WHEN MATCHED AND {newer} AND NOT ({equal}) "
        f"THEN UPDATE SET {', '.join(f'{name} = new.{name}' for name in names)} "
        f"WHEN NOT MATCHED {unless}THEN INSERT ({', '.join(names)}) "
        f"VALUES ({', '.join(f'new.{name}' for name in names)})"
    )
    with computed(spark, rows) as source:
        statement = doubled(statement).replace("\0", "{rows}")
        changed = affected(spark.sql(statement, rows=source))
    if changed and (folder := folder_of(home)):
        metrics = commit_info(folder, version(folder))["operationMetrics"]
        kinds = ("Inserted", "Updated", "Deleted")  # Sail's count has copied rows in it
        changed = sum(int(metrics[f"numTargetRows{kind}"]) for kind in kinds)
    return changed


@contextmanager
def computed(spark: SparkSession, rows: DataFrame) -> Iterator[DataFrame]:
    """Rows that a MERGE is to read, on Sail from files of their own.

    It would compute them three times: to find the files that change, to write them and
    to count. Databricks keeps a MERGE's source by itself where that is needed.
    """
    if not warehouse():
        yield rows
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).as_uri()
        rows.write.mode("overwrite").parquet(place)
        yield spark.read.schema(rows.schema).parquet(place)


def pour(
    spark: SparkSession,
    table: Table,
    rows: DataFrame,
    checkpoints: str,
    run: Run | None = None,
) -> int:
    """Write a stream until nothing new is left, and count what it took on the way.

    The checkpoint knows which files are taken. A rule that is to fail stops the batch
    it is in, and what was read before that batch stays (as in a pipeline). Figures are
    those of the last 100 batches, which is what Spark keeps.
    """
    home, rules = table["home"], table.get("expectations", [])
    checkpoint = f"{checkpoints}/{home}"
    if not exists(spark, home):
        create(spark, table, rows.schema.fields)
    elif table.get("anew"):
        # Noted, so that a run which is killed in between is finished by the next one.
        note_it = f"ALTER TABLE {quoted(home)} SET TBLPROPERTIES ('mdf.anew' = "
        spark.sql(f"{note_it}'true')")
        spark.sql(f"TRUNCATE TABLE {quoted(home)}")
        shutil.rmtree(checkpoint, ignore_errors=True)
        spark.sql(f"{note_it}'false')")
    counted = rows.observe("mdf", *counters(rules))
    writer = kept(counted, table).writeStream.trigger(availableNow=True)
    writer = writer.option("checkpointLocation", checkpoint)
    stream = writer.option("mergeSchema", "true").toTable(quoted(home))
    stream.awaitTermination()
    seen = [
        one.observedMetrics["mdf"]
        for one in stream.recentProgress
        if one.observedMetrics
    ]
    # Spark Connect sends a row as its values and its schema.
    batches = [one["values"] if "values" in one else list(one) for one in seen]
    if not batches:
        return 0
    figures = [sum(column) for column in zip(*batches, strict=True)]
    if run and rules:
        note(figures, rules, run)
    return int(figures[0] - figures[2])


def insert(spark: SparkSession, how: str, home: str, rows: DataFrame) -> int | None:
    """Write rows by column name; how many, if the engine says so.

    Sail's BY NAME knows lower case only; there the columns are put in order instead.
    """
    chosen = "BY NAME SELECT *"
    if warehouse():
        chosen = f"SELECT {listed(spark.table(quoted(home)).columns)}"
        chosen = doubled(chosen)
    return affected(
        spark.sql(f"{how} {quoted(home)} {chosen} FROM {{rows}}", rows=rows)
    )


def affected(done: DataFrame) -> int | None:
    """What the result of an INSERT or MERGE says of the rows it wrote.

    Databricks and Sail return a row whose first column is the number; open-source
    Spark returns nothing.
    """
    counts = done.first()
    return int(counts[0]) if counts else None


def replace(spark: SparkSession, table: Table, rows: DataFrame) -> int:
    """Put a table with other columns in the old one's place, in one commit."""
    name = quoted(table["home"])
    if warehouse():
        with empty_twin(spark, table, rows.schema.fields) as shape:
            writer = shape.unionByName(rows).write.mode("overwrite")
            writer.option("overwriteSchema", "true").saveAsTable(name)
    else:
        said = {c: {"comment": text} for c, text in comments(table).items()}
        rows = rows.select(
            *(F.col(ticked(c)).alias(c, metadata=said.get(c)) for c in rows.columns)
        )
        head = doubled(f"CREATE OR REPLACE TABLE {name}{clauses(table)} AS")
        spark.sql(f"{head} SELECT * FROM {{rows}}", rows=rows)
    return spark.table(name).count()


@contextmanager
def empty_twin(
    spark: SparkSession, table: Table, fields: list[T.StructField]
) -> Iterator[DataFrame]:
    """A table of Sail's without rows, for the columns that a table is to get.

    Sail takes comments from tables only, and a column for NOT NULL whose query can't be
    NULL today; a union with this one gives both their due.
    """
    name = quoted(f"{table['home']}__mdf_twin")
    with tempfile.TemporaryDirectory() as folder:
        columns = column_list(table, fields)
        place = f"USING delta LOCATION {literal(folder)}"
        spark.sql(f"CREATE OR REPLACE TABLE {name} ({columns}) {place}")
        try:
            yield spark.table(name)
        finally:
            spark.sql(f"DROP TABLE {name}")


class Drift(NamedTuple):
    """How a query's columns differ from those of its table."""

    added: list[T.StructField]
    dropped: list[T.StructField]
    retyped: list[str]

    @property
    def only_new(self) -> bool:
        """Whether the table's own columns are all there as they were."""
        return not self.dropped and not self.retyped

    def __str__(self) -> str:
        new = [f"{field.name} is new" for field in self.added]
        gone = [f"{field.name} is missing" for field in self.dropped]
        return ", ".join([*new, *gone, *self.retyped])


def differences(table: T.StructType, query: T.StructType) -> Drift | None:
    """How a query's columns differ from its table's; None when they don't."""
    old = {field.name.lower(): field for field in table}
    new = {field.name.lower(): field for field in query}
    retyped = [
        f"{new[key].name} was {ddl(old[key].dataType)} and is {ddl(new[key].dataType)}"
        for key in old.keys() & new.keys()
        if ddl(old[key].dataType) != ddl(new[key].dataType)
    ]
    added = [field for key, field in new.items() if key not in old]
    dropped = [field for key, field in old.items() if key not in new]
    if not (added or dropped or retyped):
        return None
    return Drift(added, dropped, sorted(retyped))


def fitted(
    spark: SparkSession, table: Table, rows: DataFrame, *beside: str
) -> DataFrame:
    """Rows with the columns of the table they are added to, which gets new ones first.

    Args:
        spark: The session.
        table: The table.
        rows: What is to be added; a column that they lack is NULL.
        beside: Columns of the rows that aren't meant for the table.

    Raises:
        TableError: A column has another type than in the table.
    """
    home, rule = table["home"], table.get("on_schema_change")
    target = spark.table(quoted(home)).schema
    drift = differences(target, rows.drop(*beside).schema)
    if not drift:
        return rows
    if drift.retyped or rule == "fail":
        raise TableError(
            f"the query hasn't the columns of {home}: {drift}. Nothing was written. "
            "Give it those columns, by CAST where a type differs."
        )
    if drift.added:
        add_columns(spark, table, drift.added)
    absent = {field.name for field in drift.dropped}
    columns = [
        F.lit(None).cast(field.dataType).alias(field.name)
        if field.name in absent
        else F.col(ticked(field.name))
        for field in [*target, *drift.added]
    ]
    return rows.select(*columns, *beside)


def add_columns(spark: SparkSession, table: Table, fields: list[T.StructField]) -> None:
    """Add columns to a table; rows that are there have NULL in them."""
    name = quoted(table["home"])
    if not warehouse():
        columns = column_list(table, fields)
        spark.sql(f"ALTER TABLE {name} ADD COLUMNS ({columns})")
        return
    with empty_twin(spark, table, [*spark.table(name).schema, *fields]) as shape:
        shape.write.mode("append").option("mergeSchema", "true").saveAsTable(name)


# ---- Names and DDL -------------------------------------------------------------------


def doubled(text: str) -> str:
    """SQL whose braces are its own, where `spark.sql` puts DataFrames into others."""
    return text.replace("{", "{{").replace("}", "}}")


def properties(spark: SparkSession, table: Table) -> dict[str, str]:
    """The properties of a table; none where it isn't there, or Sail, which shows none.

    Raises:
        TableError: The table is somebody else's.
    """
    home = table["home"]
    if warehouse() or not exists(spark, home):
        return {}
    shown = spark.sql(f"SHOW TBLPROPERTIES {quoted(home)}").collect()
    known: dict[str, str] = {row[0]: row[1] for row in shown}
    if "mdf.table" in known or table.get("adopt"):
        return known
    raise TableError(
        f"{home} is there already and isn't ours, so it was left alone. Give the "
        "table another name, or say  adopt: true  to have it written."
    )


def tend(spark: SparkSession, table: Table, known: dict[str, str]) -> None:
    """Let a table say of itself what its definition does.

    What was said last is kept as a property, so that nothing is altered without need.
    On Sail, which alters no table, it is said once, by `create`.

    Args:
        spark: The session.
        table: The table.
        known: Its properties before it was written.
    """
    if warehouse() or known.get("mdf.said") == said_of(table):
        return
    view = table["write"] == "view"
    alter = f"ALTER {'VIEW' if view else 'TABLE'} {quoted(table['home'])}"
    columns = {ticked(name): said for name, said in table.get("columns", {}).items()}
    changes = [
        f"{alter}{column} SET TAGS ({pairs(said['tags'])})"
        for column, said in {
            "": table,
            **{f" ALTER COLUMN {name}": said for name, said in columns.items()},
        }.items()
        if said.get("tags")
    ]
    if known and not view:  # else `create` has said it
        text = literal(table.get("description", ""))
        changes.append(f"COMMENT ON TABLE {quoted(table['home'])} IS {text}")
        changes += [
            f"{alter} ALTER COLUMN {name} COMMENT {literal(said['comment'])}"
            for name, said in columns.items()
            if "comment" in said
        ]
        if by := clustering(table):
            changes.append(f"{alter} {by}")
    ours = {"mdf.table": table["name"], "mdf.said": said_of(table)}
    for change in [*changes, f"{alter} SET TBLPROPERTIES ({pairs(ours)})"]:
        with suppress(ParseException):  # open-source Spark has no tags
            spark.sql(change)


def said_of(table: Table) -> str:
    """What a definition says of a table beside its rows, in a few characters."""
    keys = ("description", "columns", "tags", "cluster_by")
    said = json.dumps([table.get(key) for key in keys], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def exists(spark: SparkSession, home: str) -> bool:
    """Whether a table is there: every write asks this first.

    On the embedded engine the folder knows. Sail's catalog is in memory, so a new
    server is told of the table here.
    """
    name, folder = quoted(home), folder_of(home)
    if folder is None:
        return spark.catalog.tableExists(name)
    if not has_log(folder):
        return False
    if not spark.catalog.tableExists(name):
        make_schema(spark, home)
        place = f"USING delta LOCATION {literal(str(folder))}"
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} {place}")
    return True


def create(spark: SparkSession, table: Table, fields: list[T.StructField]) -> None:
    """Create a table with its full DDL: columns, comments, clustering, properties.

    Its format is the session's default: Delta on Databricks and on the embedded engine.
    """
    home = table["home"]
    columns = column_list(table, fields)
    make_schema(spark, home)
    folder = folder_of(home)
    if folder and view_file(folder).exists():
        spark.sql(f"DROP VIEW IF EXISTS {quoted(home)}")
        view_file(folder).unlink()
    statement = f"CREATE TABLE IF NOT EXISTS {quoted(home)} ({columns}){clauses(table)}"
    try:
        spark.sql(statement)
    except Exception:
        if not exists(spark, home):  # all tasks share mdf_runs: another may be faster
            raise


def make_schema(spark: SparkSession, home: str) -> None:
    """Create the schema of a table that is about to be made, unless it is there."""
    name, folder = quoted(home).rpartition(".")[0], folder_of(home)
    if not spark.catalog.databaseExists(name):
        place = f" LOCATION {literal(str(folder.parent))}" if folder else ""
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {name}{place}")


def clauses(table: Table) -> str:
    """What a table or view says of itself; the property marks it as ours."""
    text = ""
    if "description" in table:
        text += f" COMMENT {literal(table['description'])}"
    if not warehouse() and (by := clustering(table)):
        text += f" {by}"
    return f"{text} TBLPROPERTIES ({pairs({'mdf.table': table['name']})})"


def clustering(table: Table) -> str:
    """The CLUSTER BY clause of a table; empty where it has none."""
    columns = table.get("cluster_by")
    if not columns:
        return ""
    return f"CLUSTER BY {'AUTO' if columns == 'auto' else f'({listed(columns)})'}"


def pairs(values: dict[str, str]) -> str:
    """Names and values as TBLPROPERTIES and SET TAGS take them."""
    return ", ".join(f"{literal(key)} = {literal(v)}" for key, v in values.items())


def column_list(table: Table, fields: list[T.StructField]) -> str:
    """The columns of a CREATE TABLE, with their comments.

    Raises:
        TableError: There are none, or one has no type.
    """
    if not fields:
        raise TableError(
            "its query has no columns. Is a file that it reads empty? "
            "A file's first line names its columns."
        )
    return ", ".join(
        f"{ticked(field.name)} {typed(field)}{remark(table, field.name)}"
        for field in fields
    )


def typed(field: T.StructField) -> str:
    """A column's type.

    Raises:
        TableError: It is NULL in every row and has none.
    """
    if isinstance(field.dataType, T.NullType):
        raise TableError(
            f"the column {field.name} is NULL and so has no type. "
            f"Write  CAST(NULL AS STRING) AS {field.name}  or whatever it is to be. "
            "If it comes from a file without rows, give the file a  schema ."
        )
    return ddl(field.dataType)


def ddl(kind: T.DataType) -> str:
    """A type as DDL wants it; unlike `simpleString` with quoted names in structs."""
    if isinstance(kind, T.StructType):
        inner = (f"{ticked(field.name)}: {ddl(field.dataType)}" for field in kind)
        return f"struct<{', '.join(inner)}>"
    if isinstance(kind, T.ArrayType):
        return f"array<{ddl(kind.elementType)}>"
    if isinstance(kind, T.MapType):
        return f"map<{ddl(kind.keyType)}, {ddl(kind.valueType)}>"
    return kind.simpleString()


def comments(table: Table) -> dict[str, str]:
    """The comments of a table's columns, by column."""
    columns = table.get("columns", {}).items()
    return {name: said["comment"] for name, said in columns if "comment" in said}


def remark(table: Table, column: str) -> str:
    """The COMMENT clause of a column, if it has a comment."""
    text = comments(table).get(column)
    return f" COMMENT {literal(text)}" if text else ""


def quoted(name: str) -> str:
    """A dotted name with each part in backticks."""
    return ".".join(ticked(part) for part in name.split("."))


def listed(columns: list[str]) -> str:
    """Column names in backticks, with commas."""
    return ", ".join(ticked(name) for name in columns)


def ticked(name: str) -> str:
    """One name in backticks."""
    return f"`{name.replace('`', '``')}`"


def literal(text: str) -> str:
    """A text as a string literal of Spark SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


# ---- The embedded engine's folder ----------------------------------------------------


def folder_of(home: str) -> Path | None:
    """The folder of a table on the embedded engine; None on a cluster."""
    folder = warehouse()
    return folder.joinpath(*home.split(".")[1:]) if folder else None


def view_file(folder: Path) -> Path:
    """Where the statement of a view is kept, beside the folders of tables."""
    return folder.with_name(f"{folder.name}.view.sql")


def has_log(folder: Path) -> bool:
    """Whether a folder holds a Delta table."""
    return any((folder / "_delta_log").glob("*.json"))


def version(folder: Path) -> int:
    """The number of a Delta table's last commit; -1 where there is none."""
    commits = (folder / "_delta_log").glob("*.json")
    return max((int(one.stem) for one in commits if one.stem.isdigit()), default=-1)


def commit_info(folder: Path, number: int) -> dict[str, Any]:
    """What one commit of a Delta table says of itself."""
    log = folder / "_delta_log" / f"{number:020}.json"
    for line in log.read_text().splitlines() if log.exists() else ():
        if "commitInfo" in (action := json.loads(line)):
            info: dict[str, Any] = action["commitInfo"]
            return info
    return {}


def write_whole(file: Path, text: str) -> None:
    """Write a file in one step: who reads it sees the old text or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(temporary).replace(file)


WRITES: dict[str, Callable[[SparkSession, Table, DataFrame], int | None]] = {
    "overwrite": overwrite,
    "append": append,
    "append_unseen": append_unseen,
    "merge": merge,
    "scd2": scd2,
}
"""What each `write` does; `append_unseen` is for rejected rows of merge and scd2."""
