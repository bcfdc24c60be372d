"""Many source tables become one entry: by a line, and by the form of the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mdf_magics import Project
from mdf_magics.errors import DefinitionError
from mdf_magics.notebook.onboarding import PAGE, FormState, OnboardingForm

MDF = """\
project: shop
targets:
  local: {engine: embedded, catalog: main}
"""

TABLES = """\
tables:
  - name: raw.orders
    sql: |
      SELECT 1 AS order_id, 'a' AS status, TIMESTAMP '2026-01-01 00:00:00' AS updated_at
  - name: raw.customers
    sql: |
      SELECT 7 AS customer_id, 'Ada' AS name, TIMESTAMP '2026-01-01 00:00:00' AS changed
  - name: raw.codes
    sql: |
      SELECT 'x' AS letter, 1 AS number
"""

NEWEST = """\
name: newest
parameters: {source: table, keys: columns, order_by: column}
sql: |
  SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY {{ keys }} ORDER BY {{ order_by }} DESC) AS place
    FROM {{ source }}) WHERE place = 1
"""

SILVER = "definitions/tables/silver.yml"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    for file, text in (
        ("definitions/mdf.yml", MDF),
        ("definitions/tables/raw.yml", TABLES),
        ("definitions/transformations/newest.yml", NEWEST),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    found = Project(tmp_path)
    yield found
    found.close()


def silver(project: Project) -> str:
    return (project.root / SILVER).read_text()


class TestLine:
    def test_sources_become_one_entry_with_proposed_arguments(
        self, project: Project
    ) -> None:
        project.onboard(
            ["raw.orders", "raw.customers"],
            into="silver.{name}",
            transformation="newest",
            no_preview=True,
        )

        assert silver(project) == (
            "tables:\n"
            "  - name: silver.${each.name}\n"
            "    transformation: newest\n"
            "    for_each:\n"
            "      name: [orders, customers]\n"
            "      keys: [[order_id], [customer_id]]\n"
            "      order_by: [updated_at, changed]\n"
            "    arguments: {source: 'raw.${each.name}', keys: '${each.keys}', order_by: '${each.order_by}'}\n"
        )
        assert project.validate().problems == ()

    def test_it_previews_before_it_saves(self, project: Project) -> None:
        added = project.onboard(
            ["raw.o*"], into="silver.{name}", transformation="newest"
        )

        assert "silver.orders: 1 row in" in added.text()

    def test_without_a_transformation_tables_are_copies(self, project: Project) -> None:
        project.onboard(["raw.*"], into="silver.{name}", no_preview=True)

        assert "SELECT * FROM {{ source }}" in silver(project)
        assert "name: [codes, customers, orders]" in silver(project)

    def test_what_can_not_be_proposed_is_asked_for_at_once(
        self, project: Project
    ) -> None:
        with pytest.raises(DefinitionError) as error:
            project.onboard(["raw.*"], into="silver.{name}", transformation="newest")

        assert str(error.value) == (
            'missing-argument: nothing is known for "keys" (columns) of raw.codes\n'
            "  Say it for all:  --arguments '{keys: ...}'  or for one:  "
            "--arguments '{raw.codes: {keys: ...}}' .\n"
            "\n"
            'missing-argument: nothing is known for "order_by" (column) of raw.codes\n'
            "  Say it for all:  --arguments '{order_by: ...}'  or for one:  "
            "--arguments '{raw.codes: {order_by: ...}}' ."
        )
        assert not (project.root / SILVER).exists()

    def test_arguments_are_said_for_all_or_for_one(self, project: Project) -> None:
        project.onboard(
            ["raw.codes", "raw.orders"],
            into="silver.{name}",
            transformation="newest",
            arguments="{order_by: letter, raw.codes: {keys: [number]}, raw.orders: {order_by: status}}",
            no_preview=True,
        )

        assert "keys: [[number], [order_id]]" in silver(project)
        assert "order_by: [letter, status]" in silver(project)

    def test_said_again_with_more_the_entry_grows(self, project: Project) -> None:
        onboard = partial(project.onboard, into="silver.{name}", group="silver")
        onboard(["raw.codes"], no_preview=True)
        path = project.root / SILVER
        path.write_text(silver(project).replace("  - name", "  # by hand\n  - name"))

        onboard(["raw.*"], no_preview=True)

        assert "name: [codes, customers, orders]" in silver(project)
        assert silver(project).count("SELECT") == 1
        assert "# by hand" in silver(project)

    def test_said_again_with_the_same_no_byte_changes(self, project: Project) -> None:
        project.onboard(["raw.*"], into="silver.{name}", no_preview=True)
        before = silver(project)
        project.onboard(["raw.*"], into="silver.{name}", no_preview=True)

        assert silver(project) == before

    @pytest.mark.parametrize(
        ("patterns", "options", "said"),
        [
            (["row.*"], {"into": "silver.{name}"}, 'Did you mean "raw"?'),
            (["raw.*"], {}, "onboarding wants sources, and what their tables"),
            ([], {"into": "silver.{name}"}, "onboarding wants sources"),
            (["raw.*"], {"into": "silver.{nam}"}, "{nam} is nothing that a name"),
            (["raw.*"], {"into": "{name}"}, 'the name "codes"'),
            (
                ["raw.*"],
                {"into": "silver.{name}", "transformation": "newst"},
                'Did you mean "newest"?',
            ),
            (
                ["raw.*"],
                {"into": "silver.{name}", "arguments": "[a"},
                "--arguments is no YAML mapping",
            ),
        ],
    )
    def test_wrong_lines_save_nothing(
        self,
        patterns: list[str],
        options: dict[str, Any],
        said: str,
        project: Project,
    ) -> None:
        with pytest.raises(DefinitionError) as error:
            project.onboard(patterns, **options)

        assert said in str(error.value)
        assert not (project.root / SILVER).exists()


class TestForm:
    @pytest.fixture
    def form(self, project: Project) -> OnboardingForm:
        form = OnboardingForm(project, FormState())
        form._schema.value = "raw"
        return form

    def fields(self, form: OnboardingForm) -> list[list[str]]:
        """What stands in each line of the grid."""
        return [[cell.value for cell in line.children] for line in form._grid.children]

    def test_tables_that_are_not_built_yet_are_listed(
        self, form: OnboardingForm
    ) -> None:
        assert form._tables.options == ("raw.codes", "raw.customers", "raw.orders")

    def test_search_narrows_the_list_and_keeps_what_was_chosen(
        self, form: OnboardingForm
    ) -> None:
        form._search.value = "cust"
        form._all.click()
        form._search.value = "ord"
        form._all.click()

        assert form._tables.options == ("raw.orders",)
        assert form._chosen.value == "2 chosen · 1 table shown"

    def test_arguments_are_proposed_in_a_grid(self, form: OnboardingForm) -> None:
        form._transformation.value = "newest"
        form._tables.value = ("raw.customers", "raw.orders")

        assert self.fields(form) == [
            ["", "keys", "order_by"],
            ["raw.customers → silver.customers", "customer_id", "changed"],
            ["raw.orders → silver.orders", "order_id", "updated_at"],
        ]

    def test_what_is_missing_is_told_until_it_is_typed(
        self, form: OnboardingForm
    ) -> None:
        form._transformation.value = "newest"
        form._tables.value = ("raw.codes",)

        assert form._add.disabled
        assert "nothing is known for &quot;keys&quot;" in form._told.value
        assert "Fill in its field, above." in form._told.value
        assert "--arguments" not in form._told.value

        form._grid.children[1].children[1].value = "letter, number"
        form._grid.children[1].children[2].value = "number"

        assert not form._add.disabled
        assert "keys: [letter, number]" in form._told.value

    def test_the_first_is_previewed_unless_another_is_chosen(
        self, form: OnboardingForm
    ) -> None:
        form._tables.value = ("raw.orders",)
        form._preview.click()

        assert "order_id" in form._rows.value

    def test_preview_shows_rows_of_one(self, form: OnboardingForm) -> None:
        form._tables.value = ("raw.customers", "raw.orders")
        form._of.value = "raw.customers"
        form._preview.click()

        assert "Ada" in form._rows.value

    def test_add_writes_one_entry(self, form: OnboardingForm, project: Project) -> None:
        form._transformation.value = "newest"
        form._tables.value = ("raw.customers", "raw.orders")

        assert form._add.description == "add 2 tables"
        form._add.click()

        assert "name: [customers, orders]" in silver(project)
        assert "saved in" in form._told.value

    def test_the_line_below_does_the_same(
        self, form: OnboardingForm, project: Project
    ) -> None:
        form._transformation.value = "newest"
        form._tables.value = ("raw.customers",)

        line = "%mdf_onboard raw.customers --transformation newest --into silver.{name}"
        assert line in form._told.value

    def test_a_transformation_can_be_written_in_it(self, form: OnboardingForm) -> None:
        form._transformation.value = "write a new one ..."
        assert form._new.layout.display == ""
        form._new_name.value = "plain"
        form._new_text.value = (
            "parameters: {source: table}\n---\nSELECT * FROM {{ source }}"
        )
        form._new_save.click()

        assert form._transformation.value == "plain"
        assert form._new.layout.display == "none"

    def test_what_was_chosen_outlives_the_form(self, project: Project) -> None:
        state = FormState()
        form = OnboardingForm(project, state)
        form._schema.value = "raw"
        form._tables.value = ("raw.orders",)

        again = OnboardingForm(project, state)

        assert again._schema.value == "raw"
        assert again._tables.value == ("raw.orders",)

    def test_many_tables_are_shown_page_by_page(self, project: Project) -> None:
        many = "".join(
            f"  - name: big.t{n:02}\n    sql: |\n      SELECT {n} AS id\n"
            for n in range(PAGE + 5)
        )
        (project.root / "definitions/tables/big.yml").write_text(f"tables:\n{many}")
        form = OnboardingForm(project, FormState())
        form._schema.value = "big"
        form._all.click()

        assert form._pages.value == "page 1 of 2"
        form._next.click()
        assert len(self.fields(form)) == 5

    def test_names_are_data(self, project: Project) -> None:
        form = OnboardingForm(project, FormState())
        form._into.value = "silver.<script>"
        form._schema.value = "raw"
        form._all.click()

        assert "<script>" not in form._told.value
