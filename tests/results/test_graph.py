"""The graph of tables, in each of its formats."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from mdf_magics.planning.columns import column_graph
from mdf_magics.results import Graphed, GraphedColumns, columns_of, graph_of
from mdf_magics.results.graph import MOST_BOXES, Node
from tests.planning.plans import plan, queries, query

SHOP = queries(
    query("bronze.orders", "crm.orders"),
    query("bronze.customers", "crm.customers"),
    query("silver.orders", "bronze.orders bronze.customers"),
    query("gold.report", "silver.orders"),
)


def shop() -> Graphed:
    return graph_of(plan(SHOP), None, {"silver.orders": "failed"})


def drawn(graphed: Graphed) -> ET.Element:
    """The picture, which must be well-formed."""
    return ET.fromstring(graphed.svg())


def texts(graphed: Graphed) -> list[str]:
    return [one.text or "" for one in drawn(graphed).iter() if one.tag.endswith("text")]


def test_text_has_a_line_for_each_table_after_what_it_reads() -> None:
    assert graph_of(plan(SHOP), None, {}).text() == (
        "table             part    reads\n"
        "----------------  ------  -------------------------------\n"
        "bronze.customers  bronze  main.crm.customers\n"
        "bronze.orders     bronze  main.crm.orders\n"
        "silver.orders     silver  bronze.customers, bronze.orders\n"
        "gold.report       gold    silver.orders"
    )


def test_text_names_how_runs_ended_where_that_was_asked_for() -> None:
    assert "silver.orders     silver  failed    bronze.customers" in shop().text()


def test_without_tables_it_says_how_to_make_one() -> None:
    assert "%%mdf_table" in graph_of(plan(), None, {}).text()


def test_json_names_nodes_and_edges() -> None:
    shape = shop().to_json()

    assert shape["nodes"][-2] == {
        "name": "silver.orders",
        "kind": "table",
        "part": "silver",
        "runs_on": "job",
        "write": "overwrite",
        "status": "failed",
    }
    assert {"from": "main.crm.orders", "to": "bronze.orders"} in shape["edges"]


def test_mermaid_puts_tables_into_their_parts() -> None:
    lines = shop().mermaid().splitlines()

    assert lines[0] == "flowchart LR"
    assert '  subgraph silver["silver (job)"]' in lines
    assert '  n0[("main.crm.customers")]' in lines
    assert sum("-->" in line for line in lines) == len(shop().edges)


def test_the_picture_has_a_box_for_each_table_and_source() -> None:
    assert {"main.crm.orders", "gold.report", "silver · overwrite"} <= set(
        texts(shop())
    )


def test_the_picture_tells_more_where_the_pointer_rests() -> None:
    titles = [one.text for one in drawn(shop()).iter() if one.tag.endswith("title")]

    expected = "silver.orders\nsilver · overwrite\ndefinitions/tables/t.yml:6:5\nfailed"
    assert expected in titles


def test_a_table_stands_right_of_what_it_reads() -> None:
    boxes = [one for one in drawn(shop()).iter() if one.tag.endswith("}g")]
    at = {
        (box[0].text or "").splitlines()[0]: float(box[1].attrib["x"]) for box in boxes
    }

    assert all(at[read] < at[reader] for read, reader in shop().edges)


def test_only_the_chosen_tables_with_what_they_read() -> None:
    chosen = graph_of(plan(SHOP), {"silver.orders", "bronze.orders"}, {})

    assert [one.name for one in chosen.nodes] == [
        "main.crm.orders",
        "bronze.orders",
        "silver.orders",
    ]


def test_many_tables_are_drawn_as_one_box_for_each_part() -> None:
    many = [query(f"bronze.t{n}", f"crm.t{n}") for n in range(MOST_BOXES)]
    reads = " ".join(f"bronze.t{n}" for n in range(MOST_BOXES))
    graphed = graph_of(plan(queries(*many, query("gold.all", reads))), None, {})

    assert texts(graphed) == [
        "main.crm.*",
        "source",
        "bronze",
        f"job · {MOST_BOXES} tables",
        "gold",
        "job · 1 table",
    ]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><b>', "a&b"])
def test_names_are_data(name: str) -> None:
    graphed = Graphed((Node(name, "source"),), ())

    assert "<script" not in graphed.svg()
    assert any(name in text for text in texts(graphed))


class TestColumns:
    tables = queries(
        "  - name: silver.orders\n"
        "    sql: SELECT o.id, o.amount * r.rate AS euros FROM crm.orders AS o JOIN crm.rates AS r ON r.day = o.day\n",
        "  - name: gold.sums\n"
        "    sql: SELECT sum(euros) AS total, count(*) AS orders FROM silver.orders\n",
        "  - name: gold.other\n    sql: SELECT id FROM silver.orders\n",
    )

    def columns(self, *named: str) -> GraphedColumns:
        planned = plan(self.tables)
        found = column_graph(planned.expansion, planned.graph)
        return columns_of(planned, found, named, planned.tables)

    def test_text_shows_what_the_columns_of_a_table_are_made_of(self) -> None:
        assert self.columns("gold.sums").text() == (
            "column               made of\n"
            "-------------------  ---------------------------------------\n"
            "silver.orders.euros  main.crm.orders.amount, main.crm.rates.rate\n"
            "gold.sums.total      silver.orders.euros\n"
            "gold.sums.orders"
        ).replace("-" * 39, "-" * 43)

    def test_columns_that_go_into_others_are_followed_there(self) -> None:
        rows = self.columns("silver.orders").to_json()["columns"]

        assert [(one["table"], one["column"]) for one in rows] == [
            ("silver.orders", "id"),
            ("silver.orders", "euros"),
            ("gold.other", "id"),
            ("gold.sums", "total"),
        ]

    def test_mermaid_puts_columns_into_their_tables(self) -> None:
        text = self.columns("gold.sums").mermaid()

        assert '  subgraph gold.sums["gold.sums (job)"]' in text.splitlines()

    def test_what_is_not_known_is_said(self) -> None:
        planned = plan(queries("  - name: gold.all\n    sql: SELECT * FROM crm.x\n"))
        found = column_graph(planned.expansion, planned.graph)

        text = columns_of(planned, found, ["gold.all"], planned.tables).text()

        assert "gold.all.*" in text
        assert "not known" in text.splitlines()[0]
