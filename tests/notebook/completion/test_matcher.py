"""What Tab offers, asked of a real shell at the `|` in a text."""

from __future__ import annotations

import threading

import pytest
from IPython.core.completer import provisionalcompleter

from mdf_magics.notebook.completion.matcher import offered
from mdf_magics.notebook.completion.memory import Memory
from mdf_magics.vocabulary import Vocabulary
from tests.notebook.conftest import Notebook


def at(notebook: Notebook, text: str) -> list[str]:
    """The candidates, each as the text before the cursor would become."""
    before, _, after = text.partition("|")
    with provisionalcompleter():
        found = notebook.shell.Completer.completions(before + after, len(before))
        return [f"{before[one.start :]}>{one.text}" for one in found]


class TestLines:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("%mdf_preview raw.orders --fr|", ["--fr>--fresh"]),
            ("%mdf_preview --fr|", ["--fr>--fresh"]),
            ("%mdf_preview r|", ["r>raw", "r>raw.orders"]),
            ("x = 1\n%mdf_preview raw.|", [">orders"]),
            ("%mdf_preview 'raw.|", ["raw.>raw.orders"]),
            ("%mdf_list --target |", [">local"]),
            ("%mdf_list --target=lo|", ["lo>local"]),
            ("%mdf_show re|", ["re>renamed"]),
            ("%mdf_run +raw.|", [">orders"]),
            ("%mdf_run mart.buyers raw.|", [">orders"]),
            ("%mdf_help pre|", ["pre>preview"]),
            ("%%mdf_tables |\nname: x", [">renamed"]),
            ("%%mdf_table raw.|", [">orders"]),
            ("%%mdf_transformation x --prev|\n", ["--prev>--preview"]),
            ("%%mdf_transformation x --preview mart.|\n", [">buyers"]),
        ],
    )
    def test_options_and_names(
        self, shop: Notebook, text: str, expected: list[str]
    ) -> None:
        assert at(shop, text) == expected

    def test_option_is_offered_once(self, shop: Notebook) -> None:
        offered = at(shop, "%mdf_preview raw.orders --full --|")

        assert "-->--fresh" in offered
        assert "-->--full" not in offered


TABLE = "%%mdf_table mart.x\n"
RENAMED = f"{TABLE}transformation: renamed\narguments: "


class TestCells:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (f"{TABLE}wri|", ["wri>write: "]),
            (f"{TABLE}---\nwri|\n---\nSELECT 1", ["wri>write: "]),
            (f"{TABLE}write: |", [">overwrite", ">append", ">merge", ">scd2", ">view"]),
            (f"{TABLE}transformation: |", [">renamed"]),
            (f"{TABLE}group: r|", ["r>raw"]),
            (f"{TABLE}enabled: |", [">true", ">false"]),
            (f"{RENAMED}{{|}}", [">source: ", ">old: ", ">new: "]),
            (f"{RENAMED}{{old: customer, |}}", [">source: ", ">new: "]),
            (f"{RENAMED}{{source: raw.|", [">orders"]),
            (f'{RENAMED}{{source: "ra|', ["ra>raw.orders"]),
            (f"{TABLE}depends_on: [raw.|]", [">orders"]),
            (f"{TABLE}expectations:\n  - |", [">name: ", ">check: ", ">on_failure: "]),
            (
                f"{TABLE}expectations:\n  - {{name: a, on_failure: |",
                [">warn", ">drop", ">fail", ">quarantine"],
            ),
            (f"{TABLE}expectations: [{{name: a}}, {{na|", ["na>name: "]),
            (f"{TABLE}task: {{max_r|", ["max_r>max_retries: "]),
            (f"{TABLE}parameters: {{s: {{type: files, value: {{pa|", ["pa>path: "]),
            ("%%mdf_tables renamed\narguments: {o|", ["o>old: "]),
            ("%%mdf_tables\nfor_each: {what: [a]}\nname: m.${e|", ["e>each.what}"]),
            ("%%mdf_transformation x\nparameters: {a: expr|", ["expr>expression"]),
        ],
    )
    def test_keys_and_values(
        self, shop: Notebook, text: str, expected: list[str]
    ) -> None:
        assert at(shop, text) == expected

    def test_key_that_is_there_is_not_offered(self, shop: Notebook) -> None:
        assert ">write: " not in at(shop, f"{TABLE}|\nwrite: merge")

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(f"{RENAMED}{{source: raw.orders, old: |", id="argument"),
            pytest.param(f"{RENAMED}{{source: raw.orders}}\nkeys: [|", id="key"),
            pytest.param(
                f"{TABLE}keys: [|]\n---\nSELECT * FROM raw.orders", id="of a query"
            ),
            pytest.param(
                "%%mdf_tables renamed\nfor_each: {what: [orders]}\n"
                'arguments: {source: "raw.${each.what}", old: |',
                id="of the first of many",
            ),
        ],
    )
    def test_columns_of_what_is_read(self, shop: Notebook, text: str) -> None:
        shop.ok("%mdf_preview raw.orders")

        assert at(shop, text) == [">id", ">customer", ">amount"]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("SELECT * FROM r|", ["r>raw", "r>raw.orders"]),
            ("SELECT *\nFROM raw.orders AS a\nJOIN mart.|", [">buyers"]),
            ("SELECT * FROM `ma|", ["ma>mart.buyers"]),
        ],
    )
    def test_tables_in_a_query(
        self, shop: Notebook, text: str, expected: list[str]
    ) -> None:
        assert at(shop, f"{TABLE}{text}") == expected
        assert at(shop, f"{TABLE}keys: [a]\n---\n{text}") == expected

    def test_parameters_in_a_query(self, shop: Notebook) -> None:
        cell = "%%mdf_transformation x\nparameters: {source: table, keys: columns}\n---"

        assert at(shop, f"{cell}\nSELECT {{{{ |") == [">keys", ">source"]
        assert at(shop, f"{cell}\nSELECT {{% for k in ke|") == ["ke>keys"]


class TestOthers:
    def test_other_cells_are_left_alone(self, shop: Notebook) -> None:
        shop.shell.user_ns["mdf_number"] = 1

        assert "mdf_n>mdf_number" in at(shop, "mdf_n|")

    def test_broken_project_offers_what_was_known(self, shop: Notebook) -> None:
        assert at(shop, "%mdf_show re|") == ["re>renamed"]
        (shop.folder / "definitions" / "mdf.yml").write_text("project: [")
        shop.run("%mdf_validate")

        assert at(shop, "%mdf_show re|") == ["re>renamed"]

    def test_no_project_offers_options(self, notebook: Notebook) -> None:
        assert "-->--rows" in at(notebook, "%mdf_preview --|")
        assert at(notebook, "%%mdf_table a.b\nwri|") == ["wri>write: "]

    def test_reload_leaves_one_matcher_and_unload_none(self, shop: Notebook) -> None:
        shop.ok("%reload_ext mdf_magics")
        assert len(shop.shell.Completer.custom_matchers) == 1

        shop.ok("%unload_ext mdf_magics")

        assert shop.shell.Completer.custom_matchers == []
        shop.ok("%load_ext mdf_magics")


class TestMemory:
    def test_nobody_waits_for_a_slow_project_twice(self) -> None:
        never = threading.Event()

        def find() -> Vocabulary:
            never.wait()
            return Vocabulary()

        memory = Memory(find, lambda _: ())
        memory._known["vocabulary"] = Vocabulary(tables=("a.b",))

        offer = offered("%mdf_preview ", ["%mdf_preview "], memory)

        assert offer.candidates == ("a", "a.b")

    def test_what_raises_is_looked_up_again_later(self) -> None:
        def fail(_: str) -> tuple[str, ...]:
            raise OSError

        memory = Memory(Vocabulary, fail)

        assert memory.columns(["a.b"]) == []
        memory.learn("a.b", ["x"])
        assert memory.columns(["a.b"]) == ["x"]
