"""Magics do what the commands do: lines, outputs, errors, help, targets."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mdf_magics.commands import VERBS, Verb
from tests.notebook.conftest import Notebook

MAGICS = [one for one in VERBS if one.face != "command"]

TWO_TARGETS = """\
project: shop
targets:
  local: {engine: embedded, catalog: main}
  other: {engine: embedded, catalog: lab}
"""


class TestOutputs:
    @pytest.mark.parametrize(
        "line",
        [
            "%mdf_list",
            "%mdf_validate",
            "%mdf_plan",
            "%mdf_compile",
            "%mdf_deploy",
            "%mdf_status",
            "%mdf_show raw.orders",
            "%mdf_target",
        ],
    )
    def test_each_has_html_and_its_twin_in_text(
        self, shop: Notebook, line: str
    ) -> None:
        shown = shop.run(line)

        assert (shown.success, shown.printed) == (True, "")
        output = shown.outputs[-1]  # progress may stand before it
        assert output.keys() == {"text/plain", "text/html"}
        assert output["text/plain"].strip()

    def test_preview_shows_rows(self, shop: Notebook) -> None:
        text = shop.ok("%mdf_preview mart.buyers")

        assert "buyer\nstring\n------\nada\nbob\nada\n\nmart.buyers: 3 rows in " in text
        assert "computed: raw.orders" in text

    def test_whole_loop(self, shop: Notebook) -> None:
        shop.ok("%mdf_deploy")
        ran = shop.ok("%mdf_run")
        status = shop.ok("%mdf_status")

        assert "2 of 2 tables succeeded" in ran
        assert [
            line.split()[:4] for line in status.splitlines() if line.startswith("raw.")
        ] == [["raw.orders", "raw", "succeeded", "3"]]
        assert "read: raw.orders" in shop.ok("%mdf_preview mart.buyers")

    def test_run_says_what_comes_before_a_table(self, shop: Notebook) -> None:
        shop.ok("%mdf_deploy")

        ran = shop.run("%mdf_run mart.buyers")

        assert "%mdf_run --select +mart.buyers" in ran.text


class TestCells:
    def test_table_is_previewed_and_saved(self, shop: Notebook) -> None:
        text = shop.ok(
            "%%mdf_table mart.rich\n---\nSELECT * FROM raw.orders WHERE customer = 'bob'"
        )

        assert "mart.rich: 1 row in " in text
        assert text.endswith("mart.rich saved in definitions/tables/mart.yml:6")
        assert "mart.rich" in shop.ok("%mdf_list")

    def test_tables_show_every_schema(self, shop: Notebook) -> None:
        text = shop.ok(
            "%%mdf_tables renamed\nfor_each: {what: [id, amount]}\nname: mart.${each.what}\n"
            'arguments: {source: raw.orders, old: "${each.what}", new: value}'
        )

        assert "mart.id: value string\nmart.amount: value string" in text

    def test_transformation_shows_the_rows_of_a_table(self, shop: Notebook) -> None:
        text = shop.ok(
            "%%mdf_transformation renamed --preview mart.buyers --rows 1\n"
            "parameters: {source: table, old: column, new: column}\n"
            "---\nSELECT upper({{ old }}) AS {{ new }} FROM {{ source }}"
        )

        assert "ADA" in text
        assert "the first 1 row" in text

    def test_nothing_is_saved_when_that_is_asked_for(self, shop: Notebook) -> None:
        before = shop.files()

        text = shop.ok(
            "%%mdf_table mart.rich --no-save --no-preview  # only a look\n---\nSELECT 1 AS x"
        )

        assert "mart.rich was not saved" in text
        assert shop.files() == before
        assert "mart.rich" not in shop.ok("%mdf_list")

    def test_same_cell_again_changes_no_byte(self, shop: Notebook) -> None:
        cell = "%%mdf_table mart.rich --no-preview\n---\nSELECT 1 AS x"
        shop.ok(cell)
        before = shop.files()

        assert "unchanged in" in shop.ok(cell)
        assert shop.files() == before

    def test_values_of_the_notebook_mean_nothing_in_a_cell(
        self, shop: Notebook
    ) -> None:
        shop.ok("schema = 'raw'; name = 'orders'")

        shown = shop.run(
            "%%mdf_table mart.x --no-preview\n---\nSELECT '{name}' AS a, '$name' AS b"
        )

        assert shown.success
        assert (
            "SELECT '{name}' AS a, '$name' AS b"
            in shop.files()["definitions/tables/mart.yml"].decode()
        )

    def test_values_of_the_notebook_mean_nothing_in_a_line(
        self, shop: Notebook
    ) -> None:
        shop.ok("name = 'raw.orders'")

        assert 'there is no table "$name"' in shop.run("%mdf_preview $name").text
        assert 'there is no table "{name}"' in shop.run("%mdf_preview {name}").text

    def test_line_shows_what_is_stored(self, shop: Notebook) -> None:
        assert "transformation: renamed" in shop.ok("%mdf_table mart.buyers")

    def test_stored_cell_is_put_into_the_next_one(self, shop: Notebook) -> None:
        shop.ok("%mdf_edit mart.buyers")

        assert shop.shell.rl_next_input.startswith("%%mdf_table mart.buyers\n")


class TestErrors:
    def test_cell_has_failed(self, shop: Notebook) -> None:
        shown = shop.run("%mdf_preview raw.order")

        assert not shown.success
        assert type(shown.error).__name__ == "DefinitionError"
        assert shown.text == (
            'unknown-table: there is no table "raw.order"\n'
            '  Did you mean "raw.orders"? There are: mart.buyers, raw.orders.\n'
        )
        assert shown.outputs == []

    def test_cell_that_finds_errors_has_failed_too(self, shop: Notebook) -> None:
        (shop.folder / "definitions" / "tables" / "x.yml").write_text(
            "tables: [{name: x}]\n"
        )

        shown = shop.run("%mdf_validate")

        assert not shown.success
        assert "bad-name" in shown.outputs[0]["text/plain"]

    def test_debug_shows_where_it_comes_from(self, shop: Notebook) -> None:
        assert "Traceback" in shop.run("%mdf_preview raw.order --debug").text

    @pytest.mark.parametrize(
        ("cell", "expected"),
        [
            pytest.param(
                "%mdf_preview",
                "UsageError: %mdf_preview wants a table\n  Help:  %mdf_preview?",
                id="no table",
            ),
            pytest.param(
                "%mdf_table",
                "UsageError: %mdf_table wants a name",
                id="no name on a line",
            ),
            pytest.param(
                "%mdf_rename raw.orders",
                "UsageError: %mdf_rename wants a new",
                id="no second word",
            ),
            pytest.param(
                "%%mdf_table\n---\nSELECT 1 AS x",
                "missing-name: the table has no name\n  cell line 1, column 1",
                id="no name above a cell",
            ),
            pytest.param(
                "%%mdf_transformation\n---\nSELECT 1 AS x",
                "missing-name: the transformation has no name",
                id="no name of a transformation",
            ),
            pytest.param(
                "%mdf_list --rows 5",
                "UsageError: there is no option --rows",
                id="option of another",
            ),
            pytest.param(
                "%mdf_preview raw.orders --rows",
                "UsageError: --rows wants a value: --rows N",
                id="no value",
            ),
            pytest.param(
                "%mdf_preview 'raw.orders",
                "UsageError: a quote is opened and never closed",
                id="open quote",
            ),
            pytest.param(
                "%mdf_list --target prod",
                'unknown-target: there is no target "prod"',
                id="target",
            ),
            pytest.param(
                "%mdf_run",
                "not-deployed: nothing is deployed to local",
                id="nothing is deployed",
            ),
        ],
    )
    def test_what_is_wrong_with_a_line(
        self, shop: Notebook, cell: str, expected: str
    ) -> None:
        shown = shop.run(cell)

        assert not shown.success
        assert shown.text.startswith(expected)
        assert "Traceback" not in shown.text

    def test_no_project_says_how_to_start_one(self, notebook: Notebook) -> None:
        shown = notebook.run("%mdf_list")

        assert not shown.success
        assert shown.text.startswith("no-project: there is no project at or above ")

    def test_doctor_needs_none(self, notebook: Notebook) -> None:
        assert "there is no project at or above" in notebook.ok("%mdf_doctor")

    def test_project_that_is_started_is_there_at_once(self, notebook: Notebook) -> None:
        notebook.ok("%mdf_init --catalog lab")

        assert "No problems: 0 tables for local." in notebook.ok("%mdf_validate")


class TestTargets:
    @pytest.fixture
    def two(self, shop: Notebook) -> Notebook:
        (shop.folder / "definitions" / "mdf.yml").write_text(TWO_TARGETS)
        return shop

    def test_they_are_listed_with_the_one_that_counts(self, two: Notebook) -> None:
        assert two.ok("%mdf_target") == "* local (embedded)\n  other (embedded)"

    def test_switch_holds_for_what_follows(self, two: Notebook) -> None:
        two.ok("%mdf_target other")

        assert "workflows/other/jobs/raw.yml written" in two.ok("%mdf_compile")
        assert "* other" in two.ok("%mdf_target")

    def test_option_holds_for_one_line(self, two: Notebook) -> None:
        assert "workflows/other/jobs/raw.yml written" in two.ok(
            "%mdf_compile --target other"
        )
        assert "workflows/local/jobs/raw.yml written" in two.ok("%mdf_compile")

    def test_unknown_one_changes_nothing(self, two: Notebook) -> None:
        shown = two.run("%mdf_target othr")

        assert 'Did you mean "other"?' in shown.text
        assert "* local" in two.ok("%mdf_target")

    def test_previews_of_two_targets_have_an_engine_each(self, two: Notebook) -> None:
        two.ok("%mdf_deploy --target other")
        two.ok("%mdf_run --target other")

        assert "computed: raw.orders" in two.ok("%mdf_preview mart.buyers")
        assert "read: raw.orders" in two.ok("%mdf_preview mart.buyers --target other")


class TestHelp:
    @pytest.mark.parametrize("verb", MAGICS, ids=lambda one: one.magic)
    def test_question_mark_shows_the_page(self, notebook: Notebook, verb: Verb) -> None:
        marks = "%%" if verb.face == "cell" else "%"

        page = notebook.shell.object_inspect_mime(f"{marks}{verb.magic}")["text/plain"]

        assert verb.summary in page
        assert "Example:" in page

    def test_overview_and_pages(self, notebook: Notebook) -> None:
        assert "%mdf_preview" in notebook.ok("%mdf_help")
        assert "--rows N" in notebook.ok("%mdf_help preview")
        assert "--rows N" in notebook.ok("%mdf_help %mdf_preview")
        assert 'Did you mean "preview"?' in notebook.run("%mdf_help preveiw").text


class TestInterrupt:
    """Ctrl-C, as a front end sends it: a signal to the process while a cell runs."""

    ENDLESS = "SELECT count(*) AS n FROM range(1000000) AS a CROSS JOIN range(1000000) AS b WHERE a.id + b.id = -1"

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_nothing_is_saved_and_the_next_cell_runs(self, shop: Notebook) -> None:
        shop.ok("%mdf_preview raw.orders")
        before = shop.files()
        timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()

        shown = shop.run(f"%%mdf_table mart.endless\n---\n{self.ENDLESS}")

        assert isinstance(shown.error, KeyboardInterrupt)
        assert shown.printed == "Interrupted. Nothing was saved.\n"
        assert shop.files() == before
        assert "ada" in shop.ok("%mdf_preview raw.orders")
