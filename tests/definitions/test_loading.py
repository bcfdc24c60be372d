"""All files of a project are loaded in one pass, with all that is wrong in them."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from mdf_magics.definitions.loading import Definitions, load
from mdf_magics.errors import Problem

from .conftest import MDF, Load, Write

TRANSFORMATION = "name: names\nparameters: {source: table}\nsql: |\n  SELECT 1 AS a\n"


def told(problem: Problem) -> str:
    assert problem.place
    return f"{problem.code} {problem.place} {problem.message}"


def hints(definitions: Definitions) -> list[str]:
    return [problem.hint for problem in definitions.problems]


class TestProjectFile:
    def test_is_loaded_with_defaults(self, loaded: Load):
        definitions = loaded({})

        assert definitions.problems == ()
        assert definitions.project
        assert definitions.project.project == "flights"
        assert definitions.project.default_target == "local"
        local = definitions.target("local")
        assert local
        assert (local.catalog, local.runs_schema, local.concurrency) == (
            "main",
            "mdf_runs",
            10,
        )
        assert definitions.target("prod") is None

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "empty-file definitions/mdf.yml:1:1 this file is empty"),
            ("# no\n", "empty-file definitions/mdf.yml:1:1 this file is empty"),
            (
                "- a\n",
                "wrong-type definitions/mdf.yml:1:1 this must be a mapping, not a list",
            ),
            (
                "text\n",
                'wrong-type definitions/mdf.yml:1:1 this must be a mapping, not "text"',
            ),
        ],
        ids=["empty", "comment", "list", "text"],
    )
    def test_must_be_a_mapping(self, loaded: Load, text: str, said: str):
        definitions = loaded({"mdf.yml": text})

        assert definitions.project is None
        assert [told(one) for one in definitions.problems] == [said]

    def test_that_is_missing_is_a_problem(self, tmp_path: Path):
        definitions = load(tmp_path)

        assert [told(one) for one in definitions.problems] == [
            "unreadable-file definitions/mdf.yml:1:1 this file can't be read: no such file or directory"
        ]

    @pytest.mark.parametrize(
        ("line", "said", "hint"),
        [
            (
                "grups: {}",
                'unknown-key definitions/mdf.yml:1:1 there is no key "grups" here',
                'Did you mean "groups"?',
            ),
            (
                "groups: {a: {runs_in: job}}",
                'unknown-key definitions/mdf.yml:1:14 there is no key "runs_in" here',
                'Did you mean "runs_on"?',
            ),
            (
                "groups: {a: {runs_on: jobs}}",
                'wrong-type definitions/mdf.yml:1:23 groups.a.runs_on must be job or pipeline, not "jobs"',
                'Did you mean "job"?',
            ),
            (
                "groups: {a: {max_tables: 0}}",
                "wrong-type definitions/mdf.yml:1:26 groups.a.max_tables must be at least 1, not 0",
                "",
            ),
            (
                'groups: {a: {max_tables: "7"}}',
                'wrong-type definitions/mdf.yml:1:26 groups.a.max_tables must be a whole number, not "7"',
                "Write it without quotes:  7",
            ),
            (
                "groups: {a: {tags: {owner: 5}}}",
                "wrong-type definitions/mdf.yml:1:28 groups.a.tags.owner must be text, not 5",
                'Write it in quotes:  "5"',
            ),
            (
                "groups: {a: {tags: {day: 2013-01-01}}}",
                "wrong-type definitions/mdf.yml:1:26 groups.a.tags.day must be text, not 2013-01-01",
                'Write it in quotes:  "2013-01-01"',
            ),
            (
                "groups: {a: {schedule: {timezone_id: UTC}}}",
                'missing-key definitions/mdf.yml:1:24 the key "quartz_cron_expression" is missing',
                "Add  quartz_cron_expression: ...",
            ),
            (
                "groups: {a: }",
                "wrong-type definitions/mdf.yml:1:13 groups.a must be a mapping, not empty",
                "Write a value, or leave the key out.",
            ),
            (
                "groups: [a]",
                "wrong-type definitions/mdf.yml:1:9 groups must be a mapping, not a list",
                "",
            ),
            (
                "modules: a.py",
                'wrong-type definitions/mdf.yml:1:10 modules must be a list, not "a.py"',
                "Write it as a list:  [a.py]",
            ),
            (
                "orchestrate: {shedule: 1}",
                'unknown-key definitions/mdf.yml:1:15 there is no key "shedule" here',
                'Did you mean "schedule"?',
            ),
            (
                "orchestrate: {schedule: {timezone_id: 5}}",
                None,
                None,
            ),
            (
                "orchestrate: true",
                "wrong-type definitions/mdf.yml:1:14 orchestrate must be a mapping or false, not true",
                "",
            ),
            (
                "default_target: prod",
                'unknown-target definitions/mdf.yml:1:17 there is no target "prod"',
                "There are: local.",
            ),
            (
                "groups: {Bronze: {}}",
                'bad-name definitions/mdf.yml:1:10 the group name "Bronze" must be lower case letters, digits and _, start with a letter, up to 60',
                "",
            ),
            (
                "variables: {a: no}",
                "yaml-surprise definitions/mdf.yml:1:16 YAML reads no as the truth value false",
                'Write  "no"  if text is meant, or  false  if not.',
            ),
        ],
        ids=lambda value: value if isinstance(value, str) and value[-1:] == "}" else "",
    )
    def test_problems_have_place_and_hint(
        self, loaded: Load, line: str, said: str | None, hint: str | None
    ):
        definitions = loaded({"mdf.yml": f"{line}\n{MDF}"})
        if said is None or hint is None:
            assert [told(one) for one in definitions.problems] == [
                'missing-key definitions/mdf.yml:1:25 the key "quartz_cron_expression" is missing',
                "wrong-type definitions/mdf.yml:1:39 orchestrate.schedule.timezone_id must be text, not 5",
            ]
            return
        (problem,) = definitions.problems

        assert told(problem) == said
        assert problem.hint.startswith(hint)
        assert bool(problem.hint) == bool(hint)

    def test_all_problems_are_told_at_once(self, loaded: Load):
        text = "projet: x\ntargets:\n  local: {engine: duckdb, catalog: [main]}\n"

        assert [told(one) for one in loaded({"mdf.yml": text}).problems] == [
            'wrong-type definitions/mdf.yml:3:19 targets.local.engine must be embedded, spark or databricks, not "duckdb"',
            "wrong-type definitions/mdf.yml:3:36 targets.local.catalog must be text, not a list",
            'unknown-key definitions/mdf.yml:1:1 there is no key "projet" here',
        ]


class TestFiles:
    def test_lie_in_any_depth_and_are_taken_in_order(self, loaded: Load):
        definitions = loaded(
            {
                "tables/b.yml": "tables: [{name: b.x, transformation: t}]",
                "tables/a/z.yaml": "tables: [{name: a.z, transformation: t}]",
                "tables/a.json": '{"tables": [{"name": "a.x", "transformation": "t"}]}',
                "transformations/deep/er/names.yml": TRANSFORMATION,
            }
        )

        assert definitions.problems == ()
        assert [entry.name for entry in definitions.tables] == ["a.x", "a.z", "b.x"]
        assert list(definitions.transformations) == ["names"]

    @pytest.mark.parametrize(
        "name",
        [
            "tables/.silver.yml.swp",
            "tables/.hidden.yml",
            "tables/silver.yml~",
            "tables/silver.yml.orig",
            "tables/README.md",
            "tables/.ipynb_checkpoints/silver-checkpoint.yml",
            "tables/.git/x.yml",
            "transformations/.ipynb_checkpoints/names-checkpoint.yml",
        ],
    )
    def test_that_editors_leave_are_no_definitions(self, loaded: Load, name: str):
        """JupyterLab copies what it opens into .ipynb_checkpoints."""
        definitions = loaded({name: "tables: [{name: a.x, transformation: t}]"})

        assert definitions.problems == ()
        assert definitions.tables == ()
        assert definitions.transformations == {}

    @pytest.mark.parametrize("text", ["", "# later\n", "tables:\n", "tables: []\n"])
    def test_may_be_empty(self, loaded: Load, text: str):
        definitions = loaded({"tables/a.yml": text})

        assert definitions.problems == ()
        assert definitions.tables == ()

    def test_a_broken_one_keeps_no_other_from_being_loaded(
        self, loaded: Load, tmp_path: Path
    ):
        (tmp_path / "definitions/tables/folder.yml").mkdir(parents=True)
        loop = tmp_path / "definitions/tables/loop.yml"
        loop.symlink_to("loop.yml")
        latin = tmp_path / "definitions/tables/latin.yml"
        latin.write_bytes("tables: [é]".encode("latin-1"))
        definitions = loaded(
            {
                "tables/bad.yml": "tables: [",
                "tables/nul.yml": "tables: \0",
                "tables/good.yml": "tables: [{name: a.x, transformation: t}]",
            }
        )

        assert [entry.name for entry in definitions.tables] == ["a.x"]
        assert [told(one).partition(" this")[0] for one in definitions.problems] == [
            "yaml-syntax definitions/tables/bad.yml:2:1",
            "unreadable-file definitions/tables/folder.yml:1:1",
            "not-utf8 definitions/tables/latin.yml:1:10 byte 0xe9 is not UTF-8",
            "unreadable-file definitions/tables/loop.yml:1:1",
            "bad-character definitions/tables/nul.yml:1:9 the character U+0000 is not allowed in YAML",
        ]

    def test_are_read_again_when_they_have_changed(self, written: Write):
        root = written({"tables/a.yml": "tables: [{name: a.x, transformation: t}]"})
        assert [one.name for one in load(root).tables] == ["a.x"]
        written({"tables/a.yml": "tables: [{name: a.y, transformation: t}]"})

        assert [one.name for one in load(root).tables] == ["a.y"]

    def test_of_two_projects_dont_mix(self, written: Write, tmp_path: Path):
        root = written({"tables/a.yml": "tables: [{name: a.x, transformation: t}]"})
        other = tmp_path / "other"
        (other / "definitions/tables").mkdir(parents=True)
        (other / "definitions/mdf.yml").write_text(MDF, encoding="utf-8")
        (other / "definitions/tables/a.yml").write_text("tables: []", encoding="utf-8")

        assert load(root).tables
        assert not load(other).tables
        assert load(root).tables

    def test_that_are_not_saved_yet_count(self, written: Write):
        root = written(
            {
                "tables/a.yml": "tables: [{name: a.x, transformation: t}]",
                "tables/b.yml": "tables: [{name: b.x, transformation: t}]",
                "placement.yml": "a.x: a\n",
            }
        )
        definitions = load(
            root,
            {
                "definitions/tables/a.yml": "tables: [{name: a.y, transformation: t}]",
                "definitions/tables/b.yml": None,
                "definitions/transformations/names.yml": TRANSFORMATION,
                "definitions/placement.yml": None,
            },
        )

        assert definitions.problems == ()
        assert [one.name for one in definitions.tables] == ["a.y"]
        assert list(definitions.transformations) == ["names"]
        assert definitions.placement.parts == {}


CASES: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "a tables file without tables": (
        {"tables/a.yml": "defaults: {group: a}\n"},
        ["missing-key definitions/tables/a.yml:1:1 this file has no list of tables"],
    ),
    "a tables file that is a list": (
        {"tables/a.yml": "- name: a.x\n"},
        ["missing-key definitions/tables/a.yml:1:1 this file has no list of tables"],
    ),
    "tables that are a mapping": (
        {"tables/a.yml": "tables: {a.x: {transformation: t}}\n"},
        ["wrong-type definitions/tables/a.yml:1:9 tables must be a list"],
    ),
    "a table that is a text": (
        {"tables/a.yml": "tables:\n  - a.x\n  -\n"},
        [
            "wrong-type definitions/tables/a.yml:2:5 a table is a mapping with a name",
            "wrong-type definitions/tables/a.yml:3:4 a table is a mapping with a name",
        ],
    ),
    "unknown keys of a file and of a table": (
        {
            "tables/a.yml": "defalts: {}\n"
            "tables:\n  - name: a.x\n    transfomation: t\n    sql: SELECT 1\n"
        },
        [
            'unknown-key definitions/tables/a.yml:1:1 there is no key "defalts" here',
            'unknown-key definitions/tables/a.yml:4:5 there is no key "transfomation" here',
        ],
    ),
    "names that are missing or no text": (
        {"tables/a.yml": "tables:\n  - sql: SELECT 1\n  - {name: 5}\n  - {name: }\n"},
        [
            'missing-key definitions/tables/a.yml:2:5 the key "name" is missing',
            "wrong-type definitions/tables/a.yml:3:12 name must be text, not 5",
            "wrong-type definitions/tables/a.yml:4:12 name must be text, not empty",
        ],
    ),
    "a body and a transformation": (
        {"tables/a.yml": "tables: [{name: a.x, transformation: t, sql: SELECT 1}]"},
        [
            "two-bodies definitions/tables/a.yml:1:22 a.x has a transformation and a body of its own"
        ],
    ),
    "two bodies": (
        {"tables/a.yml": "tables: [{name: a.x, sql: SELECT 1, python: x}]"},
        ["two-bodies definitions/tables/a.yml:1:37 there are two bodies: sql and python"],
    ),
    "bodies that are none": (
        {"tables/a.yml": "tables:\n- {name: a.x, sql: ''}\n- {name: a.y, sql: [a]}\n"},
        [
            "missing-body definitions/tables/a.yml:2:15 sql is empty",
            "missing-body definitions/tables/a.yml:3:15 sql must be text",
        ],
    ),
    "a notebook of a table's own": (
        {"tables/a.yml": "tables: [{name: a.x, notebook: x.py}]"},
        ['unknown-key definitions/tables/a.yml:1:22 there is no key "notebook" here'],
    ),
    "defaults of a wrong kind": (
        {"tables/a.yml": "defaults: [group]\ntables: []\n"},
        ["wrong-type definitions/tables/a.yml:1:11 defaults must be a mapping"],
    ),
    "defaults that can't be": (
        {"tables/a.yml": "defaults: {name: x, grup: a, sql: b}\ntables: []\n"},
        [
            'unknown-key definitions/tables/a.yml:1:12 there is no default "name"',
            'unknown-key definitions/tables/a.yml:1:21 there is no default "grup"',
            'unknown-key definitions/tables/a.yml:1:30 there is no default "sql"',
        ],
    ),
    "an unknown key of a transformation": (
        {"transformations/a.yml": "name: a\nparametres: {}\nsql: SELECT 1\n"},
        ['unknown-key definitions/transformations/a.yml:2:1 there is no key "parametres" here'],
    ),
    "a transformation without a body": (
        {"transformations/a.yml": "name: a\n"},
        ["missing-body definitions/transformations/a.yml:1:7 the transformation a has no body"],
    ),
    "a transformation without a name": (
        {"transformations/a.yml": "sql: SELECT 1\n"},
        ['missing-key definitions/transformations/a.yml:1:1 the key "name" is missing'],
    ),
    "a transformation with two bodies": (
        {"transformations/a.yml": "name: a\nsql: SELECT 1\nfile: a.sql\n"},
        ["two-bodies definitions/transformations/a.yml:3:1 there are two bodies: sql and file"],
    ),
    "a transformation with a bad name": (
        {"transformations/a.yml": "name: A-b\nsql: SELECT 1\n"},
        [
            'bad-name definitions/transformations/a.yml:1:7 the name "A-b" must be lower case letters, digits and _, start with a letter, up to 60'
        ],
    ),
    "a transformation named as a word of Python": (
        {"transformations/a.yml": "name: import\nsql: SELECT 1\n"},
        [
            "bad-name definitions/transformations/a.yml:1:7 the name \"import\" is a word of Python: generated code can't call a function so"
        ],
    ),
    "the same transformation twice": (
        {
            "transformations/a.yml": TRANSFORMATION,
            "transformations/b.yml": "transformations:\n"
            + textwrap.indent(TRANSFORMATION, "    ").replace("    name", "  - name", 1),
        },
        [
            'duplicate-transformation definitions/transformations/b.yml:2:5 the transformation "names" is there already, in definitions/transformations/a.yml:1:1'
        ],
    ),
    "transformations that are no list": (
        {"transformations/a.yml": "transformations: 5\n"},
        ["wrong-type definitions/transformations/a.yml:1:18 transformations must be a list"],
    ),
    "transformations that are a mapping": (
        {"transformations/a.yml": "transformations: {a: {sql: SELECT 1}}\n"},
        ["wrong-type definitions/transformations/a.yml:1:18 transformations must be a list"],
    ),
    "transformations beside other keys": (
        {"transformations/a.yml": "transformations: []\nname: a\n"},
        ['unknown-key definitions/transformations/a.yml:2:1 there is no key "name" here'],
    ),
    "a transformation that is a text": (
        {"transformations/a.yml": "transformations: [a]\n"},
        ['wrong-type definitions/transformations/a.yml:1:19 this must be a mapping, not "a"'],
    ),
    "a missing file": (
        {
            "transformations/a.yml": "name: a\nfile: quer.sql\n",
            "transformations/query.sql": "SELECT 1",
        },
        [
            "missing-file definitions/transformations/a.yml:2:7 there is no file quer.sql beside this one"
        ],
    ),
    "a file of another kind": (
        {"transformations/a.yml": "name: a\nfile: a.txt\n"},
        ["bad-file definitions/transformations/a.yml:2:7 a.txt is no .sql or .py file"],
    ),
    "a notebook of another kind": (
        {"transformations/a.yml": "name: a\nnotebook: a.sql\n"},
        ["bad-file definitions/transformations/a.yml:2:11 a.sql is no .py or .ipynb file"],
    ),
    "a file outside of the project": (
        {"transformations/a.yml": "name: a\nfile: ../../../x.sql\n"},
        [
            "bad-file definitions/transformations/a.yml:2:7 ../../../x.sql lies outside of the project"
        ],
    ),
    "a file by its absolute path": (
        {"transformations/a.yml": "name: a\nfile: /etc/x.sql\n"},
        [
            "bad-file definitions/transformations/a.yml:2:7 /etc/x.sql lies outside of the project"
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "said"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_told_with_its_place(
    loaded: Load, files: Mapping[str, str], said: list[str]
):
    assert [told(one) for one in loaded(files).problems] == said


def test_hints_name_what_was_meant(loaded: Load):
    definitions = loaded(
        {
            "tables/a.yml": "defaults: {grup: a}\ntables: [{name: a.x, exectations: []}]",
            "transformations/a.yml": "name: a\nfile: quer.sql\n",
            "transformations/query.sql": "SELECT 1",
        }
    )

    assert [hint.partition("?")[0] for hint in hints(definitions)] == [
        'Did you mean "query.sql"',
        'Did you mean "group"',
        'Did you mean "expectations"',
    ]


class TestEntries:
    def test_know_their_places_and_those_of_inherited_values(self, loaded: Load):
        definitions = loaded(
            {
                "tables/a.yml": "defaults:\n"
                "  group: a\n"
                "  arguments: {since: x}\n"
                "tables:\n"
                "  - name: a.x\n"
                "    transformation: t\n"
                "  - name: a.y\n"
                "    arguments:\n"
                "      since: y\n"
            }
        )
        first, second = definitions.tables

        assert str(first.place()) == "definitions/tables/a.yml:5:5"
        assert str(first.place(("transformation",))).endswith(":6:21")
        assert str(first.place(("arguments", "since"))).endswith(":3:22")
        assert str(first.place(("write",))).endswith(":5:5")
        assert str(second.place(("arguments", "since"), key=True)).endswith(":9:7")
        assert str(second.place(("group",))).endswith(":2:10")

    def test_inherit_a_transformation_unless_they_have_a_body(self, loaded: Load):
        definitions = loaded(
            {
                "tables/a.yml": "defaults: {transformation: t}\n"
                "tables:\n"
                "  - name: a.x\n"
                "  - {name: a.y, transformation: u}\n"
                "  - {name: a.z, sql: SELECT 1}\n"
            }
        )

        assert [one.transformation for one in definitions.tables] == ["t", "u", None]

    def test_can_be_added_and_put_in_place_of_others(self, loaded: Load):
        definitions = loaded(
            {
                "tables/a.yml": "tables: [{name: a.x, sql: SELECT 1}, {name: a.y, sql: SELECT 2}]",
                "transformations/names.yml": TRANSFORMATION,
            }
        )
        first, second = definitions.tables
        names = definitions.transformations["names"]

        assert definitions.with_table(second, first).tables == (second, second)
        assert definitions.with_table(first, None).tables == (first, second, first)
        assert definitions.with_transformation(names) == definitions


class TestBodies:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("sql: |\n  SELECT 1,\n    x\n", "a.yml:4:5"),
            ("sql: |-\n      SELECT 1,\n        x\n", "a.yml:4:9"),
            ("sql: |2\n    SELECT 1,\n      x\n", "a.yml:4:7"),
            ("sql: |  # why\n  SELECT 1,\n    x\n", "a.yml:4:5"),
            ("sql: |\n\n  SELECT 1,\n    x\n", "a.yml:5:5"),
            ("sql: |\n  SELECT 1,\n\n    x\n", "a.yml:5:5"),
            ("sql: SELECT 1, x\n", "a.yml:2:16"),
            ('sql: "SELECT 1, x"\n', "a.yml:2:17"),
            ("sql: |\r\n  SELECT 1,\r\n    x\r\n", "a.yml:4:5"),
        ],
    )
    def test_of_any_style_know_where_their_characters_stand(
        self, loaded: Load, text: str, place: str
    ):
        definitions = loaded({"transformations/a.yml": f"name: a\n{text}"})
        body = definitions.transformations["a"].body

        assert body
        assert body.text.endswith("x\n")
        assert "\r" not in body.text
        found = body.place_at(body.text.index("x"), 1)
        assert str(found) == f"definitions/transformations/{place}"
        line = found.source.text.split("\n")[found.line - 1]
        assert line[found.column - 1] == "x"

    def test_in_files_are_read_with_their_own_places(self, loaded: Load):
        definitions = loaded(
            {
                "transformations/deep/a.yml": "name: a\nfile: sub/a.sql\n",
                "transformations/deep/sub/a.sql": "\ufeffSELECT 1,\r\n  x;\r\n",
                "transformations/b.yml": "name: b\nfile: b.py\n",
                "transformations/b.py": "def b(s):\n    return s",
                "tables/a.yml": "tables: [{name: a.x, file: ../shared.sql}]",
                "shared.sql": "SELECT 1",
            }
        )
        a, b = (definitions.transformations[name].body for name in "ab")
        shared = definitions.tables[0].body

        assert definitions.problems == ()
        assert a
        assert (a.kind, a.text) == ("sql", "SELECT 1,\n  x\n")
        place = a.place_at(a.text.index("x"))
        assert str(place) == "definitions/transformations/deep/sub/a.sql:2:3"
        assert b
        assert (b.kind, b.text) == ("python", "def b(s):\n    return s\n")
        assert shared
        assert str(shared.place(1)) == "definitions/shared.sql:1:1"

    def test_in_notebooks_are_read(self, loaded: Load):
        definitions = loaded(
            {
                "transformations/a.yml": "name: a\nnotebook: notebooks/a.py\n",
                "transformations/notebooks/a.py": "# Databricks notebook source\n1\n",
            }
        )
        body = definitions.transformations["a"].body

        assert body
        assert (body.kind, body.path) == ("notebook", "notebooks/a.py")

    def test_in_files_that_cant_be_read_are_problems(
        self, loaded: Load, tmp_path: Path
    ):
        folder = tmp_path / "definitions/transformations"
        (folder / "b.sql").mkdir(parents=True)
        (folder / "c.sql").write_bytes(b"SELECT '\xff'")
        os.mkfifo(folder / "d.sql")
        definitions = loaded(
            {
                "transformations/b.yml": "name: b\nfile: b.sql\n",
                "transformations/c.yml": "name: c\nfile: c.sql\n",
                "transformations/d.yml": "name: d\nfile: d.sql\n",
                "transformations/e.yml": "name: e\nfile: e.sql\n",
                "transformations/e.sql": " \n",
                "transformations/f.yml": "name: f\nfile: f.sql\n",
                "transformations/f.sql": "SELECT \0",
            }
        )

        assert definitions.transformations == {}
        assert [told(one) for one in definitions.problems] == [
            "missing-file definitions/transformations/b.yml:2:7 there is no file b.sql beside this one",
            "not-utf8 definitions/transformations/c.sql:1:9 byte 0xff is not UTF-8",
            "missing-file definitions/transformations/d.yml:2:7 there is no file d.sql beside this one",
            "missing-body definitions/transformations/e.yml:2:1 file is empty",
            "bad-character definitions/transformations/f.sql:1:8 the character U+0000 has no place in a body",
        ]

    def test_resolve_no_references(self, loaded: Load):
        definitions = loaded(
            {
                "transformations/a.yml": "name: a\nsql: |\n  SELECT '${var.x}', '$${var.x}', '${env:X}',\n    '${user}'\n",
                "transformations/b.yml": "name: b\nfile: b.py\n",
                "transformations/b.py": 'def b(s):\n    return f"${s} ${each.what}"\n',
            }
        )

        assert [told(one) for one in definitions.problems] == [
            "unknown-reference definitions/transformations/a.yml:3:11 ${var.x} means nothing in a body",
            "unknown-reference definitions/transformations/a.yml:4:6 ${user} means nothing in a body",
            "unknown-reference definitions/transformations/b.py:2:19 ${each.what} means nothing in a body",
        ]

    def test_lose_their_final_semicolon(self, loaded: Load):
        definitions = loaded(
            {"transformations/a.yml": "name: a\nsql: |\n  SELECT 1 ;\n\n"}
        )
        body = definitions.transformations["a"].body

        assert body
        assert body.text == "SELECT 1\n"


class TestPlacement:
    def test_is_loaded(self, loaded: Load):
        assert loaded({"placement.yml": "a.x: a\na.y: a-2\n"}).placement.parts == {
            "a.x": "a",
            "a.y": "a-2",
        }

    @pytest.mark.parametrize("text", ["", "# none yet\n", "{}\n"])
    def test_may_be_empty_or_missing(self, loaded: Load, text: str):
        assert loaded({"placement.yml": text}).placement.parts == {}
        assert loaded({}).problems == ()
