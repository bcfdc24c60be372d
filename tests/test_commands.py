"""The table of verbs: a magic's line taken apart, and the help that is made from it."""

from __future__ import annotations

from typing import Any

import pytest

from mdf_magics.command_help import overview, usage
from mdf_magics.command_lines import parse_line
from mdf_magics.commands import VERBS, WrongUsage, own_options, verb


def given(line: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a magic's line says: words, and options that are there."""
    magic, _, rest = line.partition(" ")
    parsed = parse_line(verb(magic), rest)
    return dict(parsed.arguments), own_options(parsed.options)


class TestLine:
    @pytest.mark.parametrize(
        ("line", "words", "options"),
        [
            pytest.param("%mdf_preview s.t", {"table": "s.t"}, {}, id="word"),
            pytest.param(
                "%mdf_preview s.t --rows 5", {"table": "s.t"}, {"rows": 5}, id="value"
            ),
            pytest.param(
                "%mdf_preview --rows=5 s.t",
                {"table": "s.t"},
                {"rows": 5},
                id="value behind =",
            ),
            pytest.param(
                "%mdf_preview 's.t'", {"table": "s.t"}, {}, id="single quotes"
            ),
            pytest.param(
                '%mdf_preview "s.t" --full',
                {"table": "s.t"},
                {"full": True},
                id="double quotes",
            ),
            pytest.param(
                "%mdf_preview s.t  # look", {"table": "s.t"}, {}, id="comment"
            ),
            pytest.param("%mdf_list # --nope", {}, {}, id="option in a comment"),
            pytest.param(
                "%mdf_show C:\\data\\x", {"name": "C:\\data\\x"}, {}, id="Windows path"
            ),
            pytest.param(
                "%mdf_show 'C:\\a b\\'",
                {"name": "C:\\a b\\"},
                {},
                id="Windows path in quotes",
            ),
            pytest.param(
                "%mdf_show sil\u00e9ver.t",
                {"name": "sil\u00e9ver.t"},
                {},
                id="not ASCII",
            ),
            pytest.param(
                "%mdf_init --schema-prefix dev_",
                {},
                {"schema_prefix": "dev_"},
                id="dash",
            ),
            pytest.param(
                "%mdf_init --schema-prefix=",
                {},
                {"schema_prefix": ""},
                id="empty value",
            ),
            pytest.param(
                "%mdf_init --catalog 'a=b'", {}, {"catalog": "a=b"}, id="= in a value"
            ),
            pytest.param("%mdf_run", {"tables": ()}, {}, id="no words"),
            pytest.param(
                "%mdf_run +s.a s.b+", {"tables": ("+s.a", "s.b+")}, {}, id="many words"
            ),
            pytest.param(
                "%mdf_deploy --delete", {}, {"delete": ""}, id="without its value"
            ),
            pytest.param(
                "%mdf_deploy --delete 3", {}, {"delete": "3"}, id="with its value"
            ),
            pytest.param(
                "%mdf_deploy --delete --yes",
                {},
                {"delete": "", "yes": True},
                id="option behind it",
            ),
            pytest.param("%%mdf_tables", {"name": None}, {}, id="nothing"),
        ],
    )
    def test_it_is_taken_apart(
        self, line: str, words: dict[str, Any], options: dict[str, Any]
    ) -> None:
        assert given(line) == (words, options)

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            pytest.param(
                "%mdf_preview s.t --rwos 5",
                "there is no option --rwos\n  Did you mean --rows? ",
                id="option",
            ),
            pytest.param(
                "%mdf_list --rows 5",
                "there is no option --rows\n  Options: ",
                id="option of another",
            ),
            pytest.param(
                "%mdf_preview s.t --rows",
                "--rows wants a value: --rows N",
                id="no value",
            ),
            pytest.param(
                "%mdf_preview s.t --rows --full",
                "--rows wants a value: --rows N",
                id="no value before an option",
            ),
            pytest.param(
                "%mdf_preview s.t --rows many",
                '--rows wants a number, not "many"',
                id="no number",
            ),
            pytest.param(
                "%mdf_preview s.t --rows=-1",
                '--rows wants a number, not "-1"',
                id="negative",
            ),
            pytest.param(
                "%mdf_preview s.t --full=1",
                "--full takes no value",
                id="flag with a value",
            ),
            pytest.param(
                "%mdf_preview s.t s.u", '"s.u" is one word too many', id="word too many"
            ),
            pytest.param(
                "%mdf_preview 's.t",
                "a quote is opened and never closed",
                id="open quote",
            ),
            pytest.param(
                "%mdf_plan --exit-code",
                "there is no option --exit-code",
                id="option of the command",
            ),
        ],
    )
    def test_what_is_wrong_is_told(self, line: str, expected: str) -> None:
        with pytest.raises(WrongUsage) as caught:
            given(line)

        assert str(caught.value).startswith(f"wrong-usage: {expected}")
        assert f"Help:  %{line.split(maxsplit=1)[0].lstrip('%')}?" in str(caught.value)

    def test_target_and_debug_go_with_every_magic_that_has_a_project(self) -> None:
        parsed = parse_line(verb("list"), "--target prod --debug")

        assert (parsed.options["target"], parsed.options["debug"]) == ("prod", True)
        with pytest.raises(WrongUsage):
            parse_line(verb("init"), "--target prod")


class TestVerb:
    @pytest.mark.parametrize(
        "name", ["preview", "mdf_preview", "%mdf_preview", "%%mdf_preview"]
    )
    def test_it_is_found_by_any_of_its_names(self, name: str) -> None:
        assert verb(name).name == "preview"

    def test_unknown_one_names_the_closest(self) -> None:
        with pytest.raises(WrongUsage) as caught:
            verb("%mdf_preveiw")

        assert str(caught.value).startswith(
            'unknown-verb: there is nothing called "preveiw"\n  Did you mean "preview"? There are: add, '
        )

    def test_command_does_not_offer_what_only_magics_do(self) -> None:
        with pytest.raises(WrongUsage) as caught:
            verb("tables", "command")

        assert " table, " not in str(caught.value)


class TestHelp:
    def test_page_shows_words_options_and_an_example(self) -> None:
        assert usage(verb("preview")) == (
            "Show the rows that a table would hold if it were built now.\n"
            "\n"
            "    %mdf_preview TABLE [options]\n"
            "\n"
            "    TABLE            The table.\n"
            "    --rows N         How many rows to show; else 20.\n"
            "    --fresh          Compute upstream tables even where they exist.\n"
            "    --full           Count expectations over all rows.\n"
            "    --target TARGET  Use this target.\n"
            "    --debug          Show the traceback of an error.\n"
            "    --help           Show this page.\n"
            "\n"
            "Upstream tables that exist are read; those that don't are computed from their"
            " definitions. Nothing is written.\n"
            "\n"
            "Example:\n"
            "\n"
            "    %mdf_preview silver.airlines --rows 5"
        )

    def test_page_of_a_command_is_about_the_command(self) -> None:
        page = usage(verb("preview"), "command")

        assert "    mdf preview TABLE [options]\n" in page
        assert "--json" in page
        assert "%" not in page

    @pytest.mark.parametrize(
        ("name", "start"),
        [
            ("table", "%%mdf_table NAME"),
            ("tables", "%%mdf_tables [NAME]"),
            ("run", "%mdf_run [TABLES...]"),
        ],
    )
    def test_first_line_shows_what_may_be_left_out(self, name: str, start: str) -> None:
        assert f"    {start} [options]\n" in usage(verb(name))

    def test_overview_has_a_line_for_each(self) -> None:
        lines = [" ".join(line.split()) for line in overview().splitlines() if line]

        assert len(lines) == len(VERBS) + 1
        assert "%mdf_plan mdf plan Show what a deploy would change, and why." in lines
