"""The one table of verbs: names, options, help. Magics and `mdf` are made from it.

Nothing heavy is imported here: loading the extension reads this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mdf_magics.errors import DefinitionError, Problem, did_you_mean

type Face = Literal["line", "cell", "both", "command"]
"""How a verb is reached: as a line magic, a cell magic, both, or not as a magic."""


@dataclass(frozen=True)
class Option:
    """A `--name` of a verb."""

    name: str
    help: str
    kind: type = bool
    """`bool` is a flag, `int` and `str` take a value."""
    value: str = ""
    """What the value is called in help."""
    face: Literal["both", "command", "magic"] = "both"
    choices: tuple[str, ...] = ()
    """The only values; empty: any."""

    @property
    def key(self) -> str:
        """Its name as an argument of a method: `no_save`."""
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class Argument:
    """A word behind the verb."""

    name: str
    help: str
    required: bool = True
    many: bool = False
    of: str = ""
    """What it names, for completion: `table`, `transformation`, `definition` (either),
    `target`, `group`, `verb`."""


@dataclass(frozen=True)
class Verb:
    """One thing that a project can do."""

    name: str
    summary: str
    """One line."""
    face: Face = "line"
    command: bool = True
    """Whether `mdf` has it."""
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    details: str = ""
    """More help, for one page."""
    example: str = ""
    """Lines that run."""
    command_example: str = ""
    """The same for `mdf`, where that isn't the magic's line without its sign."""
    reports: bool = False
    """Whether the command takes `--json`."""
    method: str = ""
    """The method of Project that does it; default: the verb's own name."""
    needs_project: bool = True
    """Whether it is of no use outside a project."""

    @property
    def magic(self) -> str:
        """The magic's name."""
        return f"mdf_{self.name}"

    def options_of(self, face: Literal["command", "magic"]) -> tuple[Option, ...]:
        """The options that one face of the verb has."""
        own = tuple(one for one in self.options if one.face in ("both", face))
        if face == "command":
            return (*own, _JSON) if self.reports else own
        if self.name in ("init", "target", "help", "debug"):
            return (*own, _DEBUG, _HELP)
        return (*own, _TARGET, _DEBUG, _HELP)


_TARGET = Option("target", "Use this target.", str, "TARGET")
_DEBUG = Option("debug", "Show the traceback of an error.")
_HELP = Option("help", "Show this page.")
_JSON = Option("json", "Print one JSON object.")
_ROWS = Option("rows", "How many rows to show; else 20.", int, "N")
_NO_SAVE = Option("no-save", "Preview only; save nothing.")
_NO_PREVIEW = Option("no-preview", "Save without running anything.")
_FULL = Option("full", "Count expectations over all rows.")
_REPLACE = Option("replace", "Let the entry lose tables that the cell has no more.")
_FORCE = Option("force", "Save a transformation that breaks tables.")
_YES = Option("yes", "Agree to rebuilds and moves.")
_DELETE = Option(
    "delete",
    "Agree to deletions; a number agrees to exactly so many.",
    str,
    "[COUNT]",
)
_REBUILD = Option(
    "rebuild",
    "Agree that these tables begin anew; commas between them.",
    str,
    "TABLES",
)
_WAIT = Option("wait", "Wait for somebody else's deploy.")
_SELECT = Option("select", "Only these tables, as words say.", str, "WORDS")
_WORDS = (
    "--select takes tables (silver.x), patterns (silver.*), groups or parts (silver),"
    " group:G, part:P, tag:T, tag:T=V, transformation:T, and state:modified for what a"
    " deploy would change. A + before a word takes along what its tables read, one"
    " behind it what reads them. A blank between words takes either, a comma only what"
    " both name."
)
_TABLES = Argument("tables", "Tables; all when left out.", False, True, "table")

VERBS: tuple[Verb, ...] = (
    Verb(
        "init",
        "Start a project in this folder, or change the default target of the one here.",
        options=(
            Option("catalog", "Catalog of the tables.", str, "CATALOG"),
            Option("schema-prefix", "Put before each schema's name.", str, "PREFIX"),
        ),
        details="Writes definitions/mdf.yml with a target `local`, whose engine runs"
        " here: no account, no JVM. In a Databricks notebook the target is `dev`: the"
        " notebook's session and catalog, state in the schema mdf.",
        example="%mdf_init",
    ),
    Verb(
        "target",
        "Show the targets, or switch to one.",
        command=False,
        arguments=(Argument("name", "The target.", False, of="target"),),
        example="%mdf_target local",
        method="switch",
    ),
    Verb(
        "transformation",
        "Define a transformation that many tables can use.",
        face="cell",
        command=False,
        arguments=(Argument("name", "Its name.", of="transformation"),),
        options=(
            _NO_SAVE,
            _FORCE,
            _ROWS,
            Option("preview", "Show the rows of this table.", str, "TABLE"),
        ),
        details="YAML above the line `---`, the query or function below it. Parameters"
        " have types: table, stream, files, column, columns, string, int, float, bool,"
        " date, timestamp, list, expression.",
        example="%%mdf_transformation latest_per_key\n"
        "parameters: {source: table, keys: columns, order_by: column}\n"
        "---\n"
        "SELECT * FROM (\n"
        "  SELECT *, row_number() OVER (\n"
        "    PARTITION BY {{ keys }} ORDER BY {{ order_by }} DESC) AS newest\n"
        "  FROM {{ source }})\n"
        "WHERE newest = 1",
    ),
    Verb(
        "table",
        "Define a table: preview it, then save it. As a line: show what is stored.",
        face="both",
        command=False,
        arguments=(Argument("name", "schema.table", of="table"),),
        options=(_NO_SAVE, _NO_PREVIEW, _ROWS, _FULL),
        details="YAML above the line `---`, a body of its own below it; without one"
        " the cell is all YAML and names a transformation.",
        example="%%mdf_table silver.airlines\n"
        "transformation: latest_per_key\n"
        "arguments: {source: bronze.airlines, keys: [carrier], order_by: loaded_at}",
    ),
    Verb(
        "tables",
        "Define many tables of one kind with for_each.",
        face="cell",
        command=False,
        arguments=(
            Argument("name", "The transformation.", False, of="transformation"),
        ),
        options=(_NO_SAVE, _NO_PREVIEW, _ROWS, _FULL, _REPLACE),
        details="The lists of for_each are walked side by side; ${each.x} is the"
        " value of the table at hand.",
        example="%%mdf_tables latest_per_key\n"
        "for_each: {what: [airports, planes], keys: [[faa], [tailnum]]}\n"
        "name: silver.${each.what}\n"
        'arguments: {source: "bronze.${each.what}", keys: "${each.keys}",'
        " order_by: loaded_at}",
    ),
    Verb(
        "add",
        "Define the cells of a file, all or none.",
        face="command",
        arguments=(
            Argument("file", "A file of cells; - reads standard input.", False),
        ),
        options=(_NO_SAVE, _NO_PREVIEW, _ROWS, _FULL, _REPLACE, _FORCE),
        details="Each cell starts with its %%mdf_... line.",
        example="mdf add cells.txt",
        reports=True,
    ),
    Verb(
        "list",
        "List the tables, their homes and where they are defined.",
        options=(_SELECT,),
        details=_WORDS,
        example="%mdf_list",
        reports=True,
    ),
    Verb(
        "show",
        "Show what is stored for a table or a transformation, or a group's parts.",
        arguments=(Argument("name", "Its name.", of="definition"),),
        options=(Option("sql", "A table's query with everything filled in."),),
        details="With --sql each line has the number of the file's line it comes from."
        " Of a group its parts are shown, and why they are these.",
        example="%mdf_show silver.airlines --sql",
        reports=True,
    ),
    Verb(
        "edit",
        "Put the cell that defines something into the notebook.",
        command=False,
        arguments=(Argument("name", "A table or a transformation.", of="definition"),),
        example="%mdf_edit silver.airlines",
        method="cell",
    ),
    Verb(
        "remove",
        "Remove a definition; what was built stays.",
        arguments=(Argument("name", "A table or a transformation.", of="definition"),),
        options=(Option("force", "Remove it even if others use it."),),
        example="%mdf_remove silver.airlines",
        reports=True,
    ),
    Verb(
        "rename",
        "Rename a table or a transformation everywhere it is written.",
        arguments=(
            Argument("old", "Its name.", of="definition"),
            Argument("new", "The new name."),
        ),
        example="%mdf_rename silver.airlines silver.carriers",
        reports=True,
    ),
    Verb(
        "preview",
        "Show the rows that a table would hold if it were built now.",
        arguments=(Argument("table", "The table.", of="table"),),
        options=(
            _ROWS,
            Option("fresh", "Compute upstream tables even where they exist."),
            _FULL,
        ),
        details="Upstream tables that exist are read; those that don't are computed"
        " from their definitions. Nothing is written.",
        example="%mdf_preview silver.airlines --rows 5",
        reports=True,
    ),
    Verb(
        "validate",
        "Find every problem in the definitions at once.",
        options=(
            Option(
                "format",
                "How problems are printed: text or github (annotations).",
                str,
                "FORMAT",
                face="command",
                choices=("text", "github"),
            ),
            Option(
                "fix", "Repair first what a merge left behind: added entries, parts."
            ),
        ),
        example="%mdf_validate",
        reports=True,
    ),
    Verb(
        "regroup",
        "Propose how a group could be spread over fewer or smaller parts.",
        arguments=(Argument("group", "The group.", of="group"),),
        options=(
            Option(
                "size",
                "Tables that a part is to hold, at most; else as the group says.",
                int,
                "N",
            ),
            Option("yes", "Accept it: write placement.yml."),
        ),
        details="Shows the fewest moves, and what each costs. Nothing moves before it"
        " is accepted, and then with the next deploy.",
        example="%mdf_regroup silver",
        reports=True,
    ),
    Verb(
        "graph",
        "Draw the tables and what they read.",
        arguments=(_TABLES,),
        options=(
            Option("columns", "Show where the columns of the tables come from."),
            Option("status", "Colour tables by how their last run ended."),
            Option(
                "format",
                "What to print: text, svg, mermaid or json.",
                str,
                "FORMAT",
                choices=("text", "svg", "mermaid", "json"),
            ),
        ),
        details="A table is shown with all that it reads and all that reads it; a +"
        " before the name keeps to what it reads, one behind it to what reads it."
        " Many tables are drawn as one box for each part: name some to see them.",
        example="%mdf_graph silver.airlines",
        reports=True,
    ),
    Verb(
        "plan",
        "Show what a deploy would change, and why.",
        options=(
            _SELECT,
            Option("out", "Keep the plan in a file, for deploy --plan.", str, "FILE"),
            Option("exit-code", "Exit with 3 when there are changes.", face="command"),
        ),
        details=_WORDS,
        example="%mdf_plan",
        reports=True,
    ),
    Verb(
        "compile",
        "Write the jobs and their code to workflows/<target>/.",
        options=(
            Option("check", "Write nothing; exit with 3 when files are stale."),
            _SELECT,
        ),
        details=_WORDS,
        example="%mdf_compile",
        reports=True,
    ),
    Verb(
        "deploy",
        "Bring the target's jobs to what the definitions want.",
        options=(
            _YES,
            _DELETE,
            _REBUILD,
            _SELECT,
            Option("plan", "Carry out the plan in this file, or nothing.", str, "FILE"),
            _WAIT,
        ),
        details="Creating and updating needs no consent; deletions want --delete,"
        " rebuilds and moves --yes, tables that would lose rows --rebuild with their"
        " names. A terminal asks for what is missing; a script and a notebook are told."
        " Running it again does only what is left. With --select nothing is deleted"
        f" that wasn't selected.\n\n{_WORDS}",
        example="%mdf_deploy",
        reports=True,
    ),
    Verb(
        "destroy",
        "Delete all jobs and pipelines of the target; tables and their rows stay.",
        options=(_YES, _DELETE, _WAIT),
        details="It wants --delete with the exact number of resources.",
        example="%mdf_destroy --delete 3",
        reports=True,
    ),
    Verb(
        "adopt",
        "Make an existing job or pipeline the one that the definitions ask for.",
        arguments=(
            Argument("kind", "job or pipeline."),
            Argument("id", "Its id."),
            Argument("key", "The part that it is to be, as mdf plan calls it."),
        ),
        options=(Option("yes", "Do it; else only the differences are shown."),),
        details="It keeps its id and its runs, and gets the settings that the"
        " definitions say. What carries another project's marks is refused.",
        example="%mdf_adopt job 40011 bronze",
        reports=True,
    ),
    Verb(
        "run",
        "Run what is deployed: everything, or some tables.",
        arguments=(_TABLES,),
        options=(
            _SELECT,
            Option("full-refresh", "Tables begin anew, with what sources have now."),
            Option("watch", "Watch a run that was started before.", str, "RUN"),
            Option("repair", "Run again what failed in a job's run.", str, "RUN"),
            Option("cancel", "Cancel a run.", str, "RUN"),
        ),
        details=f"Tables may be said in the same words as behind --select. {_WORDS}",
        example="%mdf_run",
        reports=True,
    ),
    Verb(
        "status",
        "Show every table and resource: where it is, when it ran, how that went.",
        example="%mdf_status",
        reports=True,
    ),
    Verb(
        "onboard",
        "Make tables of many source tables at once; without --into, by a form.",
        arguments=(
            Argument("patterns", "Sources, such as bronze.* .", False, True, "table"),
        ),
        options=(
            Option("into", "What the tables are called: silver.{name} .", str, "NAME"),
            Option(
                "transformation",
                "What makes them; else they are copies.",
                str,
                "TRANSFORMATION",
            ),
            Option("group", "Their group; else that of their schema.", str, "GROUP"),
            Option("write", "How they are written.", str, "WRITE"),
            Option(
                "arguments",
                "Arguments as YAML, for all tables, or under a source's name for one.",
                str,
                "YAML",
            ),
            _NO_SAVE,
            _NO_PREVIEW,
            _ROWS,
        ),
        details="Keys, orders and columns are proposed by names, types and primary"
        " keys. All tables become one entry with for_each; said again with more"
        " sources, the entry grows.",
        example="%mdf_onboard bronze.* --transformation latest_per_key"
        " --into silver.{name} --group silver",
        reports=True,
    ),
    Verb(
        "history",
        "Show what happened to the target's jobs and pipelines, newest first.",
        arguments=(Argument("key", "Only this one, as mdf plan calls it.", False),),
        options=(Option("limit", "How many to show; else 50.", int, "N"),),
        example="%mdf_history gold --limit 10",
        reports=True,
    ),
    Verb(
        "state",
        "Look into the target's state: show, rebuild, unlock LOCK_ID, export.",
        arguments=(
            Argument("action", "show (the default), rebuild, unlock or export.", False),
            Argument("lock_id", "For unlock: which lock is meant.", False),
        ),
        details="show says what is deployed and who holds the lock; rebuild restores a"
        " lost or old state from the marks on the workspace's resources; unlock takes"
        " the lock away from a deploy that has died; export prints every row as JSON,"
        " whatever version wrote it.",
        example="%mdf_state show",
        reports=True,
    ),
    Verb(
        "doctor",
        "Find what doesn't fit together here: packages, login, compute, rights.",
        options=(
            Option(
                "connect",
                "Also run a query, which may start compute that costs money.",
            ),
        ),
        details="It works without a project, too. Each thing that isn't well comes with"
        " what to do.",
        example="%mdf_doctor",
        reports=True,
        needs_project=False,
    ),
    Verb(
        "debug",
        "Show the traceback of the last error, with what caused it.",
        command=False,
        example="%mdf_debug",
    ),
    Verb(
        "test",
        "Freeze what a table makes of some rows as a test; as a line: run the tests.",
        face="both",
        arguments=(
            Argument(
                "names", "Tests or tables; all when left out.", False, True, "table"
            ),
        ),
        options=(
            Option("accept", "Write down what there is now as what is expected."),
        ),
        details="The cell is YAML: name, description, rows (taken of each table that"
        " is read; else 20), where (a condition for each), given (rows written by"
        " hand). Rows go into definitions/tests, and so into git. Tests run on the"
        " embedded engine, and pytest finds them: pytest definitions/tests .",
        example="%%mdf_test silver.airlines\nwhere: {bronze.airlines: carrier < 'C'}",
        command_example="mdf test silver.airlines",
        reports=True,
    ),
    Verb(
        "help",
        "Show all verbs, or one page for one of them.",
        command=False,
        arguments=(Argument("name", "A verb.", False, of="verb"),),
        example="%mdf_help preview",
    ),
)

SHARED = ("target", "debug", "help", "json", "format", "exit_code")
"""Options that a face handles itself; the others are arguments of the method."""


def own_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the verb's method takes; those that weren't given left out."""
    return {
        key: value
        for key, value in options.items()
        if key not in SHARED and value is not None
    }


class WrongUsage(DefinitionError):
    """A line or a command says something that the verb doesn't have."""


def verb(name: str, face: Literal["command", "magic"] = "magic") -> Verb:
    """The verb of that name (`preview`) or magic (`mdf_preview`).

    Raises:
        WrongUsage: There is none.
    """
    plain = name.lstrip("%").removeprefix("mdf_")
    known = {one.name: one for one in VERBS if face == "magic" or one.command}
    if plain in known:
        return known[plain]
    message = f'there is nothing called "{plain}"'
    raise WrongUsage(
        Problem("unknown-verb", message, did_you_mean(plain, known, limit=len(known)))
    )
