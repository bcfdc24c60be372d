"""The model of definitions, written once: checks, JSON Schema and docs come from it.

Values are checked strictly (a number is no text), unknown keys are errors, and what
may hold a reference `${...}` is checked after it has been resolved. The strings below
the fields are read in editors and in docs/definitions.md: what a key is for, with an
example where it helps.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

type Variables = dict[str, Any]
type Api = dict[str, Any]
"""Fields of the Jobs or Pipelines API by their API names, passed through."""

ParameterType = Literal[
    "table",
    "stream",
    "files",
    "column",
    "columns",
    "string",
    "int",
    "float",
    "bool",
    "date",
    "timestamp",
    "list",
    "expression",
]


class Model(BaseModel):
    """What all models share: strict types, no unknown keys, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Schedule(Model):
    """When a job starts, as in the Jobs API."""

    quartz_cron_expression: str
    """Seconds, minutes, hours, day of month, month, day of week: `0 0 6 * * ?` is every
    day at six."""
    timezone_id: str
    """The time zone the expression means, such as `UTC` or `Europe/Berlin`."""
    pause_status: Literal["PAUSED", "UNPAUSED"] | None = None
    """`PAUSED` deploys the schedule without starting anything. In development mode
    every schedule is."""


class State(Model):
    """Where a target remembers what it deployed."""

    schema_: str | None = Field(None, alias="schema")
    """Schema in the target's catalog that holds the table `mdf_journal`, without the
    schema prefix: `mdf`. Only who deploys needs rights on it."""
    warehouse_id: str | None = None
    """SQL warehouse that reads and writes it where there is no Spark session, as in
    CI."""


class RunAs(Model):
    """Whose rights deployed jobs and pipelines have; one of both."""

    service_principal_name: str | None = None
    """Application ID of a service principal."""
    user_name: str | None = None
    """A user's e-mail address."""


class Target(Model):
    """One environment: where tables are, what runs SQL, what is deployed where."""

    engine: Literal["embedded", "spark", "databricks"]
    """Where SQL runs for previews and local runs. `embedded` needs nothing but this
    machine, `spark` is any Spark Connect server, `databricks` a workspace, which is
    deployed to as well."""
    remote: str | None = None
    """For `spark`: the server's address, `sc://host:15002`."""
    catalog: str
    """Catalog that this target's tables are made in: `dev`."""
    source_catalog: str | None = None
    """Catalog of tables that are read with a two-part name and that no definition
    makes. Default: `catalog`."""
    schema_prefix: str = ""
    """Put before the schema's name of every table that is made here: with `"${user}_"`
    each developer has tables of their own. Sources have none."""
    profile: str | None = None
    """Profile of Databricks unified authentication to log in with: `DEFAULT`. A token
    never stands in definitions."""
    host: str | None = None
    """The workspace's address, `https://...`; who logs in is left to the environment,
    as in CI."""
    cluster_id: str | None = None
    """For `databricks`: the cluster that previews run on."""
    serverless: bool | None = None
    """For `databricks`: previews run on serverless compute."""
    query_timeout_seconds: float | None = Field(None, gt=0)
    """A query of a preview that takes longer is interrupted on the server. Default:
    none is."""
    variables: Variables = {}
    """Values of `${var.x}` here, over the project's: `{landing:
    /Volumes/dev/landing/files}`."""
    state: State = State.model_construct()
    """Where it is remembered which jobs and pipelines are ours. With the embedded
    engine that is a file in `.mdf`."""
    runs_schema: str = "mdf_runs"
    """Schema, after the prefix, of the table `mdf_runs`, which gets a row from each
    task, and of the volume `checkpoints`. Whoever jobs run as writes there."""
    mode: Literal["development"] | None = None
    """`development`: schedules are paused, names bear the user's, files go into the
    user's own folder, and `${user}` is allowed."""
    run_as: RunAs | None = None
    """Whose rights the deployed jobs and pipelines have. Default: of whoever
    deploys."""
    root_path: str | None = None
    """Workspace folder that generated files are uploaded to:
    `/Workspace/Shared/flights`. Only development mode has a default."""
    reads_from: str | None = None
    """A target whose tables previews read where this one's aren't built yet: `prod`."""
    calls_per_second: float = Field(10, gt=0)
    """API calls that a deploy makes in a second, at most."""
    concurrency: int = Field(10, ge=1)
    """API calls that a deploy makes at once, at most."""


class Permission(Model):
    """What somebody may do with a group's jobs or pipelines; one of the three names."""

    permission_level: Literal[
        "CAN_VIEW", "CAN_RUN", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"
    ]
    """`CAN_VIEW`, `CAN_MANAGE_RUN` (of a pipeline `CAN_RUN`), `CAN_MANAGE` or
    `IS_OWNER`."""
    group_name: str | None = None
    """A group of the account: `analysts`."""
    user_name: str | None = None
    """A user's e-mail address."""
    service_principal_name: str | None = None
    """Application ID of a service principal."""


class Group(Model):
    """Tables that are deployed together, as one job or pipeline or several parts."""

    runs_on: Literal["job", "pipeline"] = "job"
    """What makes the tables: a `job` with a task for each, or a `pipeline`."""
    max_tables: int | None = Field(None, ge=1)
    """Tables in one part; more make a further one. Default: 30 in a pipeline, 500 in a
    job. Tables never move to another part by themselves."""
    schedule: Schedule | None = None
    """When the group runs by itself; else `orchestrate` or nobody starts it."""
    concurrency: int = Field(2, ge=1)
    """Tables that a local run builds at once."""
    job: Api = {}
    """Fields of the Jobs API by their API names, over the project's:
    `{max_concurrent_runs: 1}`. Without `job_clusters` it is serverless."""
    pipeline: Api = {}
    """Fields of the Pipelines API by their API names, over the project's: `{channel:
    PREVIEW}`. Without `clusters` it is serverless."""
    task: Api = {}
    """Fields of each table's job task by their API names, over the project's:
    `{max_retries: 2}`."""
    permissions: list[Permission] = []
    """Who may see, run or manage its jobs or pipelines: `[{group_name: analysts,
    permission_level: CAN_VIEW}]`. Whoever deploys stays their owner unless one is named
    here."""
    tags: dict[str, str] = {}
    """Tags of its jobs or pipelines: `{cost_center: a12}`."""
    renamed_from: str | None = None
    """The group's earlier name: its jobs and pipelines are kept under the new one."""


class Orchestrate(Model):
    """The job `all`, which runs all parts in the order of their tables."""

    schedule: Schedule | None = None
    """When everything runs."""
    job: Api = {}
    """Fields of the Jobs API for this job alone, by their API names."""


class Project(Model):
    """The file `definitions/mdf.yml`: the project, its targets and its groups."""

    project: str
    """The project's name, `[a-z][a-z0-9_]*`. All that is deployed bears it, so it
    should never change."""
    default_target: str = "local"
    """The target that is meant where none is named."""
    variables: Variables = {}
    """Defaults of `${var.x}`. A target's variables and `--var x=...` override them:
    `{landing: "${project.root}/landing"}`."""
    targets: dict[str, Target]
    """Environments by name: `local`, `dev`, `prod`."""
    groups: dict[str, Group] = {}
    """Settings of groups by name. A group that isn't listed runs on a job."""
    job: Api = {}
    """Fields of every group's jobs by their Jobs API names: `{timeout_seconds:
    7200}`."""
    pipeline: Api = {}
    """Fields of every group's pipelines by their Pipelines API names: `{edition:
    ADVANCED}`."""
    task: Api = {}
    """Fields of every table's job task by their Jobs API names: `{max_retries: 1}`."""
    orchestrate: Orchestrate | Literal[False] = Orchestrate.model_construct()
    """The job `all`, which runs all parts in order and is made where there are several;
    `false` leaves it out."""
    modules: list[str] = []
    """Python files of the project that bodies import, relative to its root; they are
    uploaded beside the source: `[lib/cleaning.py]`."""


class ParameterDeclaration(Model):
    """A parameter of a transformation, with more than its type."""

    type: ParameterType
    """What it takes. `table`, `stream` (read incrementally) and `files` are read;
    `column`, `columns` and `expression` become SQL; the rest are values."""
    default: Any = None
    """Taken where a table passes nothing: makes it optional."""
    description: str | None = None
    """What it is for."""


class Transformation(Model):
    """A named, parameterized query, function or notebook; tables apply it."""

    name: str
    """What tables call it: `latest_per_key`."""
    description: str | None = None
    """What it does, in a sentence; lists and completion show it."""
    parameters: dict[str, Any] = {}
    """Its parameters' types, or more about them: `{source: table, keys: columns, since:
    {type: date, default: 2013-01-01}}`. A Python function's signature may say them
    instead."""
    sql: str | None = None
    """One query. `{{ parameter }}` is put in by its type, with quotes where it needs
    some; `{% for %}` and `{% if %}` work."""
    python: str | None = None
    """Imports and one function, named as the transformation, which returns a
    DataFrame."""
    file: str | None = None
    """A `.sql` or `.py` file beside this one that holds the body."""
    notebook: str | None = None
    """A notebook of your own (`.py`, `.ipynb`), for jobs only. Its arguments and
    `home`, the table it writes, are its widgets."""


class Expectation(Model):
    """What is valid, and what happens to rows that aren't."""

    name: str
    """What figures and messages call it: `has_carrier`."""
    check: str
    """SQL that is true for a valid row, without subquery or aggregate: `carrier IS NOT
    NULL`. NULL counts as failing."""
    on_failure: Literal["warn", "drop", "fail", "quarantine"] = "warn"
    """`warn` counts failing rows, `drop` leaves them out, `fail` writes nothing,
    `quarantine` moves them to `<table>_quarantine`."""


class ColumnSettings(Model):
    """What is said about one column of a table."""

    comment: str | None = None
    """The column's comment."""
    tags: dict[str, str] = {}
    """The column's tags."""


Write = Literal["overwrite", "append", "merge", "scd2", "view"]


class Table(Model):
    """One table, or with `for_each` several, and how it is made."""

    name: str
    """`schema.table`, in lower case; the catalog and the schema's prefix come from the
    target."""
    group: str | None = None
    """Tables deployed together. Default: the schema's name."""
    transformation: str | None = None
    """What makes its rows, by name; else it has a body of its own."""
    arguments: dict[str, Any] = {}
    """Values for the transformation's parameters: `{source: bronze.planes, keys:
    [tailnum]}`."""
    parameters: dict[str, Any] = {}
    """Values for a body of its own, typed by the value or as `{type: stream, value:
    bronze.flights}`."""
    sql: str | None = None
    """A query of its own; `{{ parameter }}` is put in by its type."""
    python: str | None = None
    """Imports and one function of its own, which returns a DataFrame."""
    file: str | None = None
    """A `.sql` or `.py` file beside this one that holds the body."""
    write: Write = "overwrite"
    """What happens to the table: `overwrite` replaces its rows, `append` adds those of
    a stream or files, `merge` updates by `keys`, `scd2` keeps each version of a row,
    `view` stores the query only."""
    keys: list[str] = []
    """For `merge` and `scd2`: columns that identify a row."""
    sequence_by: str | None = None
    """For `merge` and `scd2`: the column that says which change came later."""
    watermark: str | None = None
    """A column of source and output that grows with new rows: a job takes those above
    the table's maximum. `append` from a stream needs it there."""
    apply_as_deletes: str | None = None
    """For `merge` and `scd2`: SQL that is true for a change that deletes: `operation =
    'DELETE'`."""
    expectations: list[Expectation] = []
    """What valid rows are, and what happens to the others."""
    description: str | None = None
    """The table's comment."""
    columns: dict[str, ColumnSettings] = {}
    """Comments and tags of columns: `{seats: {comment: no crew}}`."""
    tags: dict[str, str] = {}
    """The table's tags: `{owner: data}`."""
    cluster_by: list[str] | Literal["auto"] = []
    """Columns of liquid clustering, or `auto`."""
    on_schema_change: Literal["fail", "add_columns", "replace"] | None = None
    """For a job, when the query's columns aren't the table's: `fail`, `add_columns`
    (new ones; the default), or `replace` the table."""
    depends_on: list[str] = []
    """Tables that must be built first and that neither arguments nor SQL name; the
    others are found."""
    task: Api = {}
    """Fields of its job task by their Jobs API names, over the group's:
    `{timeout_seconds: 600}`."""
    renamed_from: str | None = None
    """The table's earlier name, `schema.table`."""
    adopt: bool = False
    """Write a table that is there already and isn't ours."""
    enabled: bool = True
    """`false` keeps the definition, but doesn't deploy it."""


TABLE_KEYS = frozenset({*Table.model_fields, "for_each"})
BODY_KEYS = ("sql", "python", "file", "notebook")
