"""The command `mdf`: every verb, exit codes, JSON, and what goes wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mdf_magics.cli import main
from mdf_magics.commands import VERBS

FLIGHTS = Path(__file__).parent / "data" / "flights"

COMMANDS = [verb.name for verb in VERBS if verb.command]

ORDERS = "id,customer,amount\n1,ada,12.5\n2,bob,3.0\n3,ada,\n"
CUSTOMERS = "name,town\nada,London\nbob,Paris\n"

CELLS = """\
%%mdf_tables
group: raw
for_each: {what: [orders, customers]}
name: raw.${each.what}
parameters:
  source: {type: files, value: {path: "${project.root}/landing/${each.what}.csv", format: csv, options: {header: true}}}
---
SELECT * FROM {{ source }}

%%mdf_transformation renamed
parameters: {source: table, old: column, new: column}
---
SELECT {{ old }} AS {{ new }} FROM {{ source }}

%%mdf_table mart.people
transformation: renamed
arguments: {source: raw.customers, old: name, new: person}

%%mdf_table mart.totals
expectations:
  - {name: large, check: total > 10, on_failure: warn}
---
SELECT c.town, sum(try_cast(o.amount AS DOUBLE)) AS total
FROM raw.orders AS o
JOIN raw.customers AS c ON c.name = o.customer
GROUP BY c.town
ORDER BY c.town
"""


@dataclass(frozen=True)
class Terminal:
    """A folder in which commands are typed."""

    folder: Path

    def run(self, *words: str, typed: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, ["-C", str(self.folder), *words], input=typed)

    def ok(self, *words: str, typed: str | None = None) -> str:
        """What a command prints that succeeds, without a word on the error stream."""
        result = self.run(*words, typed=typed)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        result = self.run(*words, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def files(self) -> dict[str, bytes]:
        """Every file but those under .mdf, which no user reviews."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and ".mdf" not in path.parts
        }


def stocked(folder: Path) -> Terminal:
    """A project called shop with two files, and definitions of four tables."""
    terminal = Terminal(folder / "shop")
    terminal.write("landing/orders.csv", ORDERS)
    terminal.write("landing/customers.csv", CUSTOMERS)
    terminal.ok("init")
    terminal.ok("add", "-", "--no-preview", typed=CELLS)
    return terminal


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Terminal:
    return stocked(tmp_path)


class TestHelp:
    def test_all_commands_are_listed(self, empty: Terminal) -> None:
        page = empty.ok("--help")

        assert all(f"\n  {name} " in page for name in COMMANDS)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_has_a_page_with_an_example(self, empty: Terminal, name: str) -> None:
        page = empty.ok(name, "--help")

        assert page.startswith(next(one.summary for one in VERBS if one.name == name))
        assert "\nExample:\n\n    mdf " in page
        assert page.endswith(
            "-C DIR, -t TARGET, --var KEY=VALUE go with every command.\n"
        )

    def test_version(self, empty: Terminal) -> None:
        assert re.fullmatch(r"mdf_magics \d+\.\d+\.\d+\n", empty.ok("--version"))


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            pytest.param(
                ["liist"],
                'there is nothing called "liist"\n  Did you mean "list"?',
                id="command",
            ),
            pytest.param(["list", "--nope"], "No such option '--nope'", id="option"),
            pytest.param(["preview"], "Missing argument 'TABLE'", id="no table"),
            pytest.param(
                ["preview", "a.b", "c.d"],
                "unexpected extra argument",
                id="word too many",
            ),
            pytest.param(
                ["preview", "a.b", "--rows", "x"],
                "'x' is not a valid integer",
                id="no number",
            ),
            pytest.param(
                ["preview", "a.b", "--rows=-1"], "-1 is not in the range", id="negative"
            ),
            pytest.param(
                ["preview", "a.b", "--rows"], "requires an argument", id="no value"
            ),
            pytest.param(
                ["list", "--var", "x"], "--var wants KEY=VALUE, not 'x'", id="variable"
            ),
            pytest.param(
                ["-C", "nowhere", "list"],
                "Directory 'nowhere' does not exist",
                id="folder",
            ),
            pytest.param(
                ["deploy", "--delete", "x"],
                '--delete takes a number, not "x"',
                id="count",
            ),
        ],
    )
    def test_it_is_exit_code_2(
        self, shop: Terminal, words: list[str], expected: str
    ) -> None:
        result = shop.run(*words)

        assert (result.exit_code, result.stdout) == (2, "")
        assert expected in result.stderr


class TestInit:
    def test_it_starts_a_project_that_is_valid(self, empty: Terminal) -> None:
        assert "definitions/mdf.yml" in empty.ok("init")
        assert empty.ok("validate") == "No problems: 0 tables for local.\n"

    def test_inside_a_project_it_changes_the_default_target(
        self, empty: Terminal
    ) -> None:
        empty.ok("init")

        empty.ok("init", "--catalog", "lab", "--schema-prefix", "me_")

        text = (empty.folder / "definitions" / "mdf.yml").read_text()
        assert "catalog: lab, schema_prefix: me_" in text

    def test_project_is_found_from_below(self, shop: Terminal) -> None:
        assert "mart.totals" in Terminal(shop.folder / "landing").ok("list")


class TestAdd:
    def test_cells_come_from_a_file_below_the_folder(self, empty: Terminal) -> None:
        empty.write("cells.txt", CELLS)
        empty.ok("init")

        said = empty.ok("add", "cells.txt", "--no-preview")

        assert said.splitlines() == [
            "raw.${each.what} saved in definitions/tables/raw.yml:2",
            "renamed saved in definitions/transformations/renamed.yml:1",
            "mart.people saved in definitions/tables/mart.yml:2",
            "mart.totals saved in definitions/tables/mart.yml:6",
        ]

    def test_the_same_cells_again_change_no_byte(self, shop: Terminal) -> None:
        before = shop.files()

        said = shop.ok("add", "-", "--no-preview", typed=CELLS)

        assert "saved" not in said
        assert shop.files() == before

    def test_example_is_stored_as_it_was_written_by_hand(self, empty: Terminal) -> None:
        shutil.copytree(FLIGHTS / "definitions", empty.folder / "definitions")
        for folder in ("tables", "transformations"):
            for file in (empty.folder / "definitions" / folder).glob("*.yml"):
                file.unlink()
        (empty.folder / "definitions" / "placement.yml").unlink()
        cells = (FLIGHTS / "cells.txt").read_text()

        empty.ok("add", "-", "--no-preview", typed=cells)

        expected = Terminal(FLIGHTS).files()
        kept = {
            path: text for path, text in empty.files().items() if path.endswith(".yml")
        }
        assert kept == {path: expected[path] for path in kept}

    def test_all_are_saved_or_none(self, shop: Terminal) -> None:
        before = shop.files()
        cells = "%%mdf_table mart.a\n---\nSELECT 1 AS x\n\n%%mdf_table mart.b\n---\nSELEC 1 AS x\n"

        result = shop.run("add", "-", "--no-preview", typed=cells)

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "sql-syntax: a query can't start with SELEC\n"
            "  <stdin>:7:1\n"
            "    7 | SELEC 1 AS x\n"
            "      | ^^^^^\n"
            "  Did you mean SELECT?\n"
            "  Nothing was saved.\n"
        )
        assert shop.files() == before

    def test_nothing_is_saved_when_that_is_asked_for(self, shop: Terminal) -> None:
        before = shop.files()

        said = shop.ok(
            "add",
            "-",
            "--no-preview",
            "--no-save",
            typed="%%mdf_table mart.a\n---\nSELECT 1 AS x\n",
        )

        assert said.endswith(
            "mart.a was not saved; it would go to definitions/tables/mart.yml:16\n"
        )
        assert shop.files() == before

    def test_json_says_what_became_of_each(self, shop: Terminal) -> None:
        shop.write("cell.txt", "%%mdf_table mart.a\n---\nSELECT 1 AS x\n")

        assert shop.json("add", "cell.txt", "--no-preview") == {
            "added": [
                {
                    "name": "mart.a",
                    "kind": "table",
                    "file": "definitions/tables/mart.yml",
                    "line": 16,
                    "saved": True,
                    "changed": True,
                    "preview": None,
                }
            ]
        }

    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            pytest.param("", "no-cell: ", id="empty"),
            pytest.param("SELECT 1\n", "no-cell: ", id="no cell"),
            pytest.param(
                "%%mdf_tabel a.b\n---\nSELECT 1\n",
                "unknown-magic: there is no magic %%mdf_tabel\n",
                id="magic",
            ),
            pytest.param(
                b"%%mdf_table a.b\n---\nSELECT '\xff'\n",
                "unreadable-file: <stdin> can't be read: 'utf-8'",
                id="bytes",
            ),
        ],
    )
    def test_what_is_no_cell_is_refused(
        self, shop: Terminal, typed: str | bytes, expected: str
    ) -> None:
        result = shop.run("add", "-", typed=typed)

        assert result.exit_code == 1
        assert result.stderr.startswith(expected)

    def test_file_that_is_not_there(self, shop: Terminal) -> None:
        result = shop.run("add", "none.txt")

        assert result.exit_code == 1
        assert (
            result.stderr
            == "unreadable-file: none.txt can't be read: No such file or directory\n"
        )


BAD = [
    pytest.param(
        "%%mdf_table mart.x\ngroup: [mart\n---\nSELECT 1 AS x\n",
        ["yaml-syntax: this is not valid YAML"],
        id="YAML that doesn't parse",
    ),
    pytest.param(
        "%%mdf_transformation broken\n---\nSELECT 1 AS x, FROM raw.orders\n",
        ["sql-syntax: expected a column", "<stdin>:3:16"],
        id="transformation that nobody uses",
    ),
    pytest.param(
        "%%mdf_transformation renamed\nparameters: {source: table}\n---\nSELECT * FROM {{ source }}\n",
        ["unknown-argument: ", "definitions/tables/mart.yml:4", "--force saves it"],
        id="transformation that breaks its tables",
    ),
    pytest.param(
        "%%mdf_table raw.orders\n---\nSELECT 1 AS x\n",
        [
            "expanded-table: raw.orders is made by the entry raw.${each.what}",
            "definitions/tables/raw.yml:2",
        ],
        id="one of many tables",
    ),
    pytest.param(
        "%%mdf_table Mart.X\n---\nSELECT 1 AS x\n",
        ["bad-name: ", "mart.x"],
        id="name",
    ),
    pytest.param(
        "%%mdf_table mart.x\n---\nSELECT * FROM mart.x\n",
        ["cycle: tables read each other in a circle: mart.x -> mart.x"],
        id="circle",
    ),
]


@pytest.mark.parametrize(("typed", "expected"), BAD)
def test_bad_cell_is_one_short_block_and_saves_nothing(
    shop: Terminal, typed: str, expected: list[str]
) -> None:
    before = shop.files()

    result = shop.run("add", "-", "--no-preview", typed=typed)

    assert (result.exit_code, result.stdout) == (1, "")
    assert all(part in result.stderr for part in expected), result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.endswith("Nothing was saved.\n")
    assert len(result.stderr.splitlines()) <= 15
    assert shop.files() == before


class TestErrors:
    def test_no_project_says_how_to_start_one(self, empty: Terminal) -> None:
        result = empty.run("list")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            f"no-project: there is no project at or above {empty.folder}\n"
            "  Start one here:  %mdf_init  or  mdf init .\n"
        )

    def test_json_has_the_problems_too(self, empty: Terminal) -> None:
        (problem,) = empty.json("list", code=1)["problems"]

        assert problem["code"] == "no-project"
        assert problem.keys() == {
            "code",
            "severity",
            "file",
            "line",
            "column",
            "message",
            "hint",
        }

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            pytest.param(None, "unreadable-file: ", id="folder in its place"),
            pytest.param(
                b"project: caf\xe9\n",
                "not-utf8: byte 0xe9 is not UTF-8\n  definitions/mdf.yml:1:13",
                id="not UTF-8",
            ),
            pytest.param(b"project: [\n", "yaml-syntax: ", id="no YAML"),
            pytest.param(b"", "empty-file: ", id="empty"),
            pytest.param(
                b"project: shop\n",
                'missing-key: the key "targets" is missing',
                id="no targets",
            ),
            pytest.param(
                b"project: shop\ntargets: {local: {engine: embeded, catalog: main}}\n",
                "wrong-type: targets.local.engine must be embedded, spark or databricks",
                id="engine",
            ),
        ],
    )
    @pytest.mark.parametrize(
        "words", [["list"], ["validate"], ["deploy"], ["add", "-"]], ids=" ".join
    )
    def test_unreadable_definitions_stop_every_command(
        self, empty: Terminal, raw: bytes | None, expected: str, words: list[str]
    ) -> None:
        file = empty.folder / "definitions" / "mdf.yml"
        file.parent.mkdir()
        if raw is None:
            file.mkdir()
        else:
            file.write_bytes(raw)
        before = empty.files()

        result = empty.run(*words, typed="%%mdf_table a.b\n---\nSELECT 1 AS x\n")

        assert result.exit_code == 1
        assert expected in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        assert empty.files() == before

    def test_debug_shows_where_it_comes_from(self, empty: Terminal) -> None:
        result = empty.run("list", "--debug")

        assert result.exit_code == 1
        assert result.exc_info is not None
        assert type(result.exception).__name__ == "DefinitionError"

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            pytest.param(
                ["preview", "mart.totls"],
                'unknown-table: there is no table "mart.totls"\n  Did you mean "mart.totals"?',
                id="preview",
            ),
            pytest.param(
                ["show", "renmaed"],
                'unknown-table: nothing called "renmaed" is stored\n  Did you mean "renamed"?',
                id="show",
            ),
            pytest.param(
                ["run", "mart.totls"],
                'unknown-table: there is no table "mart.totls"\n  Did you mean "mart.totals"?',
                id="run",
            ),
            pytest.param(
                ["-t", "prod", "list"],
                'unknown-target: there is no target "prod"',
                id="target before",
            ),
            pytest.param(
                ["list", "-t", "locla"],
                'unknown-target: there is no target "locla"',
                id="target behind",
            ),
            pytest.param(
                ["run"],
                "not-deployed: nothing is deployed to local",
                id="nothing is deployed",
            ),
        ],
    )
    def test_names_that_are_not_there(
        self, shop: Terminal, words: list[str], expected: str
    ) -> None:
        result = shop.run(*words)

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(expected)


class TestReports:
    def test_validate(self, shop: Terminal) -> None:
        assert shop.ok("validate") == "No problems: 4 tables for local.\n"
        assert shop.json("validate") == {"problems": []}

    def test_warnings_are_a_success(self, shop: Terminal) -> None:
        shop.write(
            "definitions/tables/more.yml",
            "tables:\n  - {name: mart.x, sql: SELECT * FROM raw.order}\n",
        )

        (problem,) = shop.json("validate")["problems"]

        assert problem == {
            "code": "close-source-name",
            "severity": "warning",
            "file": "definitions/tables/more.yml",
            "line": 2,
            "column": 39,
            "message": '"raw.order" is no table of this project, so it is read as a source',
            "hint": 'Did you mean "raw.orders"?',
        }

    def test_errors_are_told_all_at_once(self, shop: Terminal) -> None:
        shop.write(
            "definitions/tables/more.yml",
            "tables:\n  - {name: mart.x, transformation: none}\n  - {name: MART.y, sql: SELECT 1 AS x}\n",
        )

        result = shop.run("validate")

        assert result.exit_code == 1
        assert result.stdout.endswith("\n\n2 errors\n")
        assert len(shop.json("validate", code=1)["problems"]) == 2

    def test_list(self, shop: Terminal) -> None:
        assert shop.ok("list").splitlines()[0].split() == [
            "table",
            "part",
            "runs",
            "on",
            "write",
            "transformation",
            "where",
        ]
        tables = {one["name"]: one for one in shop.json("list")["tables"]}
        assert tables["mart.people"] == {
            "name": "mart.people",
            "group": "mart",
            "part": "mart",
            "runs_on": "job",
            "fits": ["job", "pipeline"],
            "write": "overwrite",
            "transformation": "renamed",
            "file": "definitions/tables/mart.yml",
            "line": 2,
            "upstream": ["raw.customers"],
        }
        assert tables["mart.totals"]["upstream"] == ["raw.customers", "raw.orders"]

    def test_show(self, shop: Terminal) -> None:
        said = shop.ok("show", "mart.people")

        assert "transformation: renamed\n" in said
        assert shop.json("show", "mart.people")["line"] == 2

    def test_remove_and_rename(self, shop: Terminal) -> None:
        shop.ok("rename", "mart.people", "mart.persons")
        shop.ok("remove", "mart.totals")

        assert [one["name"] for one in shop.json("list")["tables"]] == [
            "mart.persons",
            "raw.customers",
            "raw.orders",
        ]

    def test_variables_of_the_command_count_most(self, shop: Terminal) -> None:
        shop.write(
            "definitions/tables/more.yml",
            "tables:\n  - {name: mart.x, description: '${var.y}', sql: SELECT 1 AS x}\n",
        )

        assert shop.run("validate").exit_code == 1
        assert shop.ok("--var", "y=1", "validate")
        assert shop.ok("validate", "--var", "y=1")


class TestCompile:
    def test_files_are_written_once(self, shop: Terminal) -> None:
        first = shop.json("compile")
        before = shop.files()

        second = shop.json("compile")

        assert first["folder"] == "workflows/local"
        assert first["written"] == [
            f"workflows/local/{path}"
            for path in (
                "jobs/all.yml",
                "jobs/mart.yml",
                "jobs/raw.yml",
                "src/mart.py",
                "src/mdf_runtime.py",
                "src/raw.py",
            )
        ]
        assert (second["written"], second["unchanged"]) == ([], 6)
        assert shop.files() == before

    def test_stale_files_are_exit_code_3(self, shop: Terminal) -> None:
        shop.ok("compile")
        assert shop.run("compile", "--check").exit_code == 0
        shop.ok(
            "add", "-", "--no-preview", typed="%%mdf_table mart.x\n---\nSELECT 1 AS x\n"
        )
        before = shop.files()

        result = shop.run("compile", "--check")

        assert result.exit_code == 3
        assert result.stdout == (
            "workflows/local/jobs/mart.yml is stale\n"
            "workflows/local/src/mart.py is stale\n"
            "Run  mdf compile  and commit what it writes.\n"
        )
        assert shop.files() == before

    def test_what_is_left_over_is_removed_if_it_is_ours(self, shop: Terminal) -> None:
        shop.ok("compile")
        shop.write("workflows/local/src/mine.py", "print('mine')\n")
        shop.ok("remove", "mart.totals")
        shop.ok("remove", "mart.people")

        removed = shop.json("compile")["removed"]

        assert removed == [
            "workflows/local/jobs/all.yml",
            "workflows/local/jobs/mart.yml",
            "workflows/local/src/mart.py",
        ]
        assert (shop.folder / "workflows/local/src/mine.py").exists()

    def test_errors_write_nothing(self, shop: Terminal) -> None:
        shop.write(
            "definitions/tables/more.yml",
            "tables:\n  - {name: mart.x, transformation: none}\n",
        )
        before = shop.files()

        assert shop.run("compile").exit_code == 1
        assert shop.files() == before


class TestDeploy:
    def test_second_one_changes_nothing(self, shop: Terminal) -> None:
        plan = shop.json("plan")
        first = shop.json("deploy")
        second = shop.json("deploy")

        assert plan["target"] == "local"
        assert plan["changes"] == 3
        assert [
            (one["key"], one["kind"], one["action"]) for one in plan["actions"]
        ] == [
            ("all", "job", "create"),
            ("mart", "job", "create"),
            ("raw", "job", "create"),
        ]
        assert plan["actions"][1]["tables"] == ["mart.people", "mart.totals"]
        assert sorted(one["key"] for one in first["done"]) == ["all", "mart", "raw"]
        assert (first["failed"], first["blocked"]) == ([], [])
        assert second == {"target": "local", "done": [], "failed": [], "blocked": []}
        assert shop.json("plan")["changes"] == 0
        assert shop.ok("deploy") == "local is up to date.\n"

    def test_pending_changes_are_exit_code_3_when_asked_for(
        self, shop: Terminal
    ) -> None:
        assert shop.run("plan", "--exit-code").exit_code == 3
        assert shop.run("plan").exit_code == 0
        shop.ok("deploy")
        assert shop.run("plan", "--exit-code").exit_code == 0

    def test_deletion_wants_a_word(self, shop: Terminal) -> None:
        shop.ok("deploy")
        shop.ok("remove", "mart.totals")
        shop.ok("remove", "mart.people")

        refused = shop.run("deploy")
        wrong = shop.run("deploy", "--delete", "1")

        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith("needs-delete: ")
        assert wrong.exit_code == 1
        assert shop.ok("deploy", "--delete", "2")
        assert [one["key"] for one in shop.json("status")["resources"]] == ["raw"]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A project that is never deployed, for tests that change nothing."""
    return stocked(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Terminal, Any]:
    """A project that is deployed and has run, and what the run said."""
    terminal = stocked(tmp_path_factory.mktemp("built"))
    terminal.ok("deploy")
    return terminal, terminal.json("run")


class TestOnTheEngine:
    def test_preview_computes_what_is_not_there(self, fresh: Terminal) -> None:
        said = fresh.json("preview", "mart.totals")

        assert said.pop("seconds") > 0
        assert said == {
            "table": "mart.totals",
            "columns": [
                {"name": "town", "type": "string"},
                {"name": "total", "type": "double"},
            ],
            "rows": [["London", 12.5], ["Paris", 3.0]],
            "expectations": [{"name": "large", "passed": 1, "failed": 1}],
            "upstream": {"raw.customers": "computed", "raw.orders": "computed"},
        }

    def test_run_and_status(self, built: tuple[Terminal, Any]) -> None:
        terminal, ran = built

        status = terminal.json("status")

        assert sorted(
            (one["name"], one["status"], one["rows"], one["error"])
            for one in ran["tables"]
        ) == [
            ("mart.people", "succeeded", 2, None),
            ("mart.totals", "succeeded", 2, None),
            ("raw.customers", "succeeded", 2, None),
            ("raw.orders", "succeeded", 3, None),
        ]
        assert ran.keys() == {"run_id", "tables"}
        assert status["target"] == "local"
        assert [
            (one["key"], one["kind"], one["status"]) for one in status["resources"]
        ] == [
            ("all", "job", "deployed"),
            ("mart", "job", "deployed"),
            ("raw", "job", "deployed"),
        ]
        assert [
            (one["name"], one["part"], one["status"], one["rows"])
            for one in status["tables"]
        ] == [
            ("mart.people", "mart", "succeeded", 2),
            ("mart.totals", "mart", "succeeded", 2),
            ("raw.customers", "raw", "succeeded", 2),
            ("raw.orders", "raw", "succeeded", 3),
        ]
        assert all(one["finished"] for one in status["tables"])

    def test_preview_reads_what_is_there(self, built: tuple[Terminal, Any]) -> None:
        said = built[0].ok("preview", "mart.totals", "--rows=1")

        assert "\x1b" not in said
        assert said.splitlines()[:4] == [
            "town     total",
            "string  double",
            "------  ------",
            "London    12.5",
        ]
        assert "read: raw.customers, raw.orders" in said

    def test_some_tables_run_with_what_they_read(
        self, built: tuple[Terminal, Any]
    ) -> None:
        ran = built[0].json("run", "+mart.people")

        assert sorted(one["name"] for one in ran["tables"]) == [
            "mart.people",
            "raw.customers",
        ]

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            pytest.param(
                "SELECT o.amuont FROM raw.orders AS o",
                [
                    'unknown-column: there is no column "',
                    "amuont",
                    "<stdin>:3:",
                    'Did you mean "amount"?',
                ],
                id="column",
            ),
            pytest.param(
                "SELECT summ(id) AS x FROM raw.orders",
                ["unknown-function: ", "summ", "<stdin>:3:8"],
                id="function",
            ),
        ],
    )
    def test_names_that_only_the_engine_knows(
        self, fresh: Terminal, body: str, expected: list[str]
    ) -> None:
        before = fresh.files()

        result = fresh.run("add", "-", typed=f"%%mdf_table mart.x\n---\n{body}\n")

        assert (result.exit_code, result.stdout) == (1, "")
        assert [part for part in expected if part not in result.stderr] == [], (
            result.stderr
        )
        assert "Traceback" not in result.stderr
        assert result.stderr.endswith("Nothing was saved.\n")
        assert fresh.files() == before

    def test_table_that_can_not_be_built_fails_the_run(self, shop: Terminal) -> None:
        shop.ok(
            "add",
            "-",
            "--no-preview",
            typed="%%mdf_table mart.x\n---\nSELECT CAST(raise_error('no luck') AS INT) AS x\n",
        )
        shop.ok("deploy")

        result = shop.run("run", "mart.x")

        assert result.exit_code == 1
        assert "mart.x  failed" in result.stdout
        assert "no luck" in result.stdout
        assert shop.json("status")["tables"][2]["status"] == "failed"


def start(
    *words: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mdf_magics", *words],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class TestProcess:
    def test_module_is_the_command(self, shop: Terminal) -> None:
        done = start("list", folder=shop.folder)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == shop.ok("list")

    def test_preview_needs_no_java_no_network_and_no_other_program(
        self, shop: Terminal
    ) -> None:
        done = start(
            "preview",
            "raw.orders",
            folder=shop.folder,
            JAVA_HOME="/nowhere",
            http_proxy="http://127.0.0.1:9",
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "ada" in done.stdout
        assert "\x1b" not in done.stdout

    @pytest.mark.parametrize("words", [["list"], ["validate"], ["plan"]], ids=" ".join)
    def test_commands_without_an_engine_import_none(
        self, shop: Terminal, words: list[str]
    ) -> None:
        script = dedent(f"""\
            import sys
            from mdf_magics.cli import main
            try:
                main({words!r})
            finally:
                print([one for one in ("pyspark", "pandas", "databricks", "pysail") if one in sys.modules])
            """)

        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=shop.folder,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.stdout.splitlines()[-1] == "[]", done.stderr
