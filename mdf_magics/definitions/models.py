"""The model of definitions, written once: checks, JSON Schema and docs come from it.

Values are checked strictly (a number is no text), unknown keys are errors, and what
may hold a reference `${...}` is checked after it has been resolved.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

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

    quartz_cron_expression: str = Field(description="Quartz cron: `0 0 6 * * ?`.")
    timezone_id: str = Field(description="A time zone such as `UTC`.")
    pause_status: Literal["PAUSED", "UNPAUSED"] | None = None


class State(Model):
    """Where a target's state table is."""

    schema_: str | None = Field(
        None, alias="schema", description="Schema of the table `mdf_journal`."
    )
    warehouse_id: str | None = Field(
        None, description="SQL warehouse that reads and writes it, without a session."
    )


class RunAs(Model):
    """Whose rights deployed jobs and pipelines have; one of both."""

    service_principal_name: str | None = None
    user_name: str | None = None


class Target(Model):
    """One environment."""

    engine: Literal["embedded", "spark", "databricks"] = Field(
        description="Where SQL runs for previews and local runs."
    )
    remote: str | None = Field(None, description="For `spark`: `sc://host:port`.")
    catalog: str = Field(description="Catalog of all tables of this target.")
    source_catalog: str | None = Field(
        None, description="Catalog of tables that no definition makes."
    )
    schema_prefix: str = Field("", description="Put before each schema's name.")
    profile: str | None = Field(None, description="Databricks profile to log in with.")
    host: str | None = Field(None, description="The workspace's address.")
    cluster_id: str | None = Field(None, description="Cluster for previews.")
    serverless: bool | None = Field(None, description="Serverless for previews.")
    variables: Variables = Field({}, description="Values of `${var.x}` here.")
    state: State = Field(State.model_construct(), description="Where state is kept.")
    runs_schema: str = Field("mdf_runs", description="Schema of the table `mdf_runs`.")
    mode: Literal["development"] | None = Field(
        None, description="Schedules paused, names prefixed, one user's own."
    )
    run_as: RunAs | None = None
    root_path: str | None = Field(None, description="Workspace folder of all files.")
    reads_from: str | None = Field(
        None, description="Target whose tables previews read when ours aren't built."
    )
    calls_per_second: float = Field(10, gt=0, description="API calls a second.")
    concurrency: int = Field(10, ge=1, description="API calls at once.")


class Group(Model):
    """Tables that are deployed together."""

    runs_on: Literal["job", "pipeline"] = Field("job", description="Who runs them.")
    max_tables: int | None = Field(None, ge=1, description="Tables per part.")
    schedule: Schedule | None = Field(None, description="When the group runs.")
    concurrency: int = Field(2, ge=1, description="Tables at once in local runs.")
    job: Api = Field({}, description="Fields of the Jobs API.")
    pipeline: Api = Field({}, description="Fields of the Pipelines API.")
    task: Api = Field({}, description="Fields of each job task.")
    permissions: list[Api] = Field([], description="Who may see, run or manage it.")
    tags: dict[str, str] = Field({}, description="Tags of its jobs or pipelines.")
    renamed_from: str | None = Field(None, description="The group's earlier name.")


class Orchestrate(Model):
    """The job `all`, which runs all parts in order."""

    schedule: Schedule | None = None
    job: Api = {}


class Project(Model):
    """The file `definitions/mdf.yml`."""

    project: str = Field(description="The project's name.")
    default_target: str = Field("local", description="Target without `--target`.")
    variables: Variables = Field({}, description="Defaults of `${var.x}`.")
    targets: dict[str, Target] = Field(description="Environments by name.")
    groups: dict[str, Group] = Field({}, description="Groups by name.")
    job: Api = Field({}, description="Fields of every job.")
    pipeline: Api = Field({}, description="Fields of every pipeline.")
    task: Api = Field({}, description="Fields of every task.")
    orchestrate: Orchestrate | Literal[False] = Field(
        Orchestrate.model_construct(), description="The job `all`; false leaves it out."
    )
    modules: list[str] = Field([], description="Python files that bodies import.")


class ParameterDeclaration(Model):
    """A parameter of a transformation, with more than its type."""

    type: ParameterType
    default: JsonValue = Field(None, description="Makes the parameter optional.")
    description: str | None = None


class Transformation(Model):
    """A named, parameterized query, function or notebook."""

    name: str = Field(description="What tables call it.")
    description: str | None = None
    parameters: dict[str, Any] = Field({}, description="Its parameters' types.")
    sql: str | None = Field(None, description="One query, with `{{ parameters }}`.")
    python: str | None = Field(None, description="Imports and one function.")
    file: str | None = Field(None, description="A .sql or .py file beside this one.")
    notebook: str | None = Field(None, description="A notebook of your own, for jobs.")


class Expectation(Model):
    """What is valid, and what happens to rows that aren't."""

    name: str
    check: str = Field(description="SQL that is true for valid rows.")
    on_failure: Literal["warn", "drop", "fail", "quarantine"] = "warn"


class ColumnSettings(Model):
    """What is said about one column of a table."""

    comment: str | None = None
    tags: dict[str, str] = {}


Write = Literal["overwrite", "append", "merge", "scd2", "view"]


class Table(Model):
    """One table, after `defaults`, `for_each` and references are resolved."""

    name: Annotated[str, Field(description="`schema.table`, in lower case.")]
    group: str | None = Field(None, description="Group; default: the schema's name.")
    transformation: str | None = Field(None, description="What makes its rows.")
    arguments: dict[str, Any] = Field({}, description="Values for its parameters.")
    parameters: dict[str, Any] = Field({}, description="Values for a body of its own.")
    sql: str | None = Field(None, description="A query of its own.")
    python: str | None = Field(None, description="A function of its own.")
    file: str | None = Field(None, description="A .sql or .py file beside this one.")
    write: Write = Field("overwrite", description="What happens to the table.")
    keys: list[str] = Field([], description="Columns that identify a row.")
    sequence_by: str | None = Field(None, description="Column that orders changes.")
    watermark: str | None = Field(None, description="Column that grows with new rows.")
    apply_as_deletes: str | None = Field(None, description="SQL: true for deletions.")
    expectations: list[Expectation] = Field([], description="What valid rows are.")
    description: str | None = Field(None, description="The table's comment.")
    columns: dict[str, ColumnSettings] = Field({}, description="About its columns.")
    tags: dict[str, str] = Field({}, description="The table's tags.")
    cluster_by: list[str] | Literal["auto"] = Field([], description="Clustering.")
    on_schema_change: Literal["fail", "add_columns", "replace"] | None = None
    depends_on: list[str] = Field([], description="Tables that parsing can't see.")
    task: Api = Field({}, description="Fields of its job task.")
    renamed_from: str | None = Field(None, description="The table's earlier name.")
    adopt: bool = Field(False, description="Take over a table that isn't ours.")
    enabled: bool = Field(True, description="False keeps it, but doesn't run it.")


TABLE_KEYS = frozenset({*Table.model_fields, "for_each"})
BODY_KEYS = ("sql", "python", "file", "notebook")
