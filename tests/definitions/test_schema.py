"""Editors know what may stand in definition files, as the models do."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from mdf_magics.definitions import models
from mdf_magics.definitions.editors import with_yaml_schemas, write_schemas
from mdf_magics.definitions.loading import load
from mdf_magics.definitions.schema import schemas
from mdf_magics.definitions.starting import start
from tests.definitions.language_server import LanguageServer, language_server
from tests.definitions.test_api_fields import BAD, GOOD

SCHEMAS = schemas()

PROJECT = """
project: flights
default_target: dev
variables: {landing: "${project.root}/landing", days: [1, 2]}
targets:
  local: {engine: embedded, catalog: main}
  dev:
    engine: databricks
    profile: DEFAULT
    catalog: dev
    source_catalog: raw
    schema_prefix: "${user}_"
    variables: {landing: /Volumes/dev/landing/files}
    state: {schema: mdf, warehouse_id: a1}
    mode: development
    calls_per_second: 2.5
    run_as: {service_principal_name: 0f1e}
groups:
  bronze: {runs_on: pipeline, max_tables: 30, pipeline: {serverless: true}}
  gold:
    runs_on: job
    schedule: {quartz_cron_expression: "0 0 6 * * ?", timezone_id: UTC}
    job: {max_concurrent_runs: 1}
    task: {max_retries: "${var.retries}"}
    permissions: [{group_name: analysts, permission_level: CAN_VIEW}]
    tags: {team: data}
orchestrate: false
modules: [lib/cleaning.py]
"""

TRANSFORMATIONS = [
    """
    name: latest
    description: Keeps the newest row of each key.
    parameters: {source: table, order_by: {type: column, default: loaded_at}}
    sql: SELECT * FROM {{ source }}
    """,
    "transformations: [{name: a, file: a.sql}, {name: b, notebook: b.py}]",
]

TABLES = """
defaults: {group: silver, transformation: changes, arguments: {since: "2013-01-01"}}
tables:
  - name: silver.planes
    arguments: {source: bronze.planes, columns: [tailnum, model, seats]}
    write: merge
    keys: [tailnum]
    sequence_by: changed_at
    expectations:
      - {name: has_seats, check: seats > 0, on_failure: drop}
    columns: {seats: {comment: without crew, tags: {unit: seats}}}
    cluster_by: auto
    task: {timeout_seconds: 600}
  - name: silver.${each.what}_history
    for_each:
      what: [planes, crews]
      keys: [[tailnum], [crew]]
    write: "${each.write}"
    keys: "${each.keys}"
    enabled: "${var.enabled}"
    expectations: "${var.expectations}"
    cluster_by: "${each.keys}"
    task: {max_retries: "{{job.parameters.retries}}"}
  - name: gold.${each.what}
    for_each: [{what: a}, {what: b}]
    parameters: {source: {type: stream, value: bronze.a}, least: 100, day: "2013-01-01"}
    sql: SELECT 1
"""


def errors(name: str, text: str) -> list[str]:
    """What a validator of JSON Schema finds wrong: path and keyword."""
    value = yaml.safe_load(textwrap.dedent(text))
    found = Draft202012Validator(SCHEMAS[name]).iter_errors(value)
    return sorted(
        f"{'.'.join(map(str, one.absolute_path))} {one.validator}" for one in found
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("project", PROJECT),
        *(("transformations", text) for text in TRANSFORMATIONS),
        ("tables", TABLES),
    ],
)
def test_good_files_fit(name: str, text: str) -> None:
    assert errors(name, text) == []


def test_what_fits_the_schemas_loads(tmp_path: Path) -> None:
    """The schemas allow nothing in these files that the models refuse."""
    files = {"mdf.yml": PROJECT, "tables/a.yml": TABLES}
    for name, text in files.items():
        path = tmp_path / "definitions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "cleaning.py").write_text("SEATS = 9\n")

    assert load(tmp_path).problems == ()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("project", "targets: {}", [" required"]),
        ("project", "{project: a, targets: {}, x: 1}", [" additionalProperties"]),
        (
            "project",
            "{project: a, targets: {b: {engine: spork, catalog: 1, concurrency: 0}}}",
            [
                "targets.b.catalog type",
                "targets.b.concurrency minimum",
                "targets.b.engine enum",
            ],
        ),
        (
            "project",
            '{project: a, targets: {b: {engine: spark, catalog: c, concurrency: "${var.x}"}}}',
            ["targets.b.concurrency type"],
        ),
        ("project", "{project: a, targets: {}, orchestrate: true}", ["orchestrate anyOf"]),
        ("tables", "{}", [" required"]),
        ("tables", "tables: [{write: merge}]", ["tables.0 required"]),
        ("tables", "tables: [{name: a.b, writ: merge}]", ["tables.0 additionalProperties"]),
        ("tables", "tables: [{name: a.b, write: mrge}]", ["tables.0.write anyOf"]),
        ("tables", "tables: [{name: a.b, keys: a}]", ["tables.0.keys pattern"]),
        ("tables", "tables: [{name: a.b, keys: 'x${each.a}'}]", ["tables.0.keys pattern"]),
        ("tables", "tables: [{name: a.b, enabled: 1}]", ["tables.0.enabled type"]),
        ("tables", "tables: [{name: a.b, notebook: x}]", ["tables.0 additionalProperties"]),
        ("tables", "{defaults: {name: a.b}, tables: []}", ["defaults additionalProperties"]),
        (
            "tables",
            "tables: [{name: a.b, parameters: {x: {type: strem, value: 1}, y: {type: int}}}]",
            ["tables.0.parameters.x anyOf", "tables.0.parameters.y anyOf"],
        ),
        ("transformations", "{name: a, parameters: {x: tabel}}", ["parameters.x anyOf"]),
        ("transformations", "{sql: SELECT 1}", [" anyOf"]),
        (
            "transformations",
            "transformations: [{sql: SELECT 1}]",
            ["transformations.0 required"],
        ),
    ],
)  # fmt: skip
def test_bad_files_do_not_fit(name: str, text: str, expected: list[str]) -> None:
    assert errors(name, text) == expected


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_fields_of_the_api_fit(kind: str, text: str) -> None:
    value = yaml.safe_load(textwrap.dedent(text))

    assert _fits(kind, value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(kind, text) for kind, text, _ in BAD if "tags: {mdf_" not in text],
)
def test_what_the_api_has_not_does_not_fit(kind: str, text: str) -> None:
    """All but tags that are ours: the schema leaves tags open."""
    value = yaml.safe_load(textwrap.dedent(text))

    assert not _fits(kind, value)


def _fits(kind: str, value: dict[str, Any]) -> bool:
    project = {"project": "a", "targets": {}, kind: value}
    validator = Draft202012Validator(SCHEMAS["project"])
    fits = validator.is_valid(json.loads(json.dumps(project, default=lambda _: 1)))
    return bool(fits)


def test_every_key_has_a_description() -> None:
    for name, schema in SCHEMAS.items():
        own = {key: one for key, one in schema["$defs"].items() if key[0].isupper()}
        for model, one in {"": schema, **own}.items():
            for key, found in one["properties"].items():
                where = found.get("$ref", "").removeprefix("#/$defs/")
                if where and "description" not in found:
                    assert "/properties/" in where or own[where]["description"]
                else:
                    assert found["description"][-1] in ".`", (name, model, key)


def test_every_key_of_a_model_is_in_its_schema() -> None:
    found = SCHEMAS["tables"]["$defs"]["Table"]["properties"]

    assert set(found) == models.TABLE_KEYS


def test_a_new_project_has_schemas_and_settings(tmp_path: Path) -> None:
    said = start(tmp_path)

    assert said == (
        f"definitions/mdf.yml written: project {load(tmp_path).project.project}, "  # type: ignore[union-attr]
        "target local (embedded)"
    )
    written = tmp_path / "definitions/.schema"
    assert sorted(path.name for path in written.iterdir()) == [
        "project.json",
        "tables.json",
        "transformations.json",
    ]
    assert json.loads((written / "tables.json").read_text()) == SCHEMAS["tables"]
    settings = (tmp_path / ".vscode/settings.json").read_text()
    assert settings == textwrap.dedent(
        """\
        {
          "yaml.schemas": {
            "./definitions/.schema/project.json": [
              "definitions/mdf.yml"
            ],
            "./definitions/.schema/tables.json": [
              "definitions/tables/**/*.yml",
              "definitions/tables/**/*.yaml"
            ],
            "./definitions/.schema/transformations.json": [
              "definitions/transformations/**/*.yml",
              "definitions/transformations/**/*.yaml"
            ]
          }
        }
        """
    )
    assert load(tmp_path).problems == ()


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}

    assert write_schemas(tmp_path) == ""

    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


ADDED = '\n  "yaml.schemas": {\n    "a.json": [\n      "b.yml"\n    ]\n  }'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}\n", f"{{{ADDED}\n}}\n"),
        ("{ }", f"{{{ADDED}\n}}"),
        ('{\n  "x": [1,2],\n  "y": {}\n}\n', f'{{{ADDED},\n  "x": [1,2],\n  "y": {{}}\n}}\n'),
        ('{"x":1}', f'{{{ADDED},"x":1}}'),
        ('{\r\n  "x": 1\r\n}\r\n', f'{{{ADDED},\n  "x": 1\n}}\n'.replace("\n", "\r\n")),
        (
            '{\n\t"x": "yaml.schemas\\": {"\n}',
            '{\n\t"yaml.schemas": {\n\t\t"a.json": [\n\t\t\t"b.yml"\n\t\t]\n\t},\n\t"x": "yaml.schemas\\": {"\n}',
        ),
        (
            '{\n  "z": {"yaml.schemas": {}},\n  "yaml.schemas": {\n    "c.json": "d.yml"\n  }\n}\n',
            '{\n  "z": {"yaml.schemas": {}},\n  "yaml.schemas": {\n    "a.json": [\n      "b.yml"\n    ],\n    "c.json": "d.yml"\n  }\n}\n',
        ),
        (
            '{\n  "yaml.schemas": {}\n}\n',
            '{\n  "yaml.schemas": {\n    "a.json": [\n      "b.yml"\n    ]\n  }\n}\n',
        ),
        ('{"yaml.schemas": {"a.json": "mine"}}', '{"yaml.schemas": {"a.json": "mine"}}'),
    ],
)  # fmt: skip
def test_other_settings_stay_byte_for_byte(before: str, after: str) -> None:
    assert with_yaml_schemas(before, {"a.json": ["b.yml"]}) == after


@pytest.mark.parametrize(
    "text", ['{\n  // mine\n  "x": 1\n}', "", "[]", "1", '{"yaml.schemas": 1}', "{,}"]
)
def test_settings_that_are_no_plain_json_are_left_alone(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / ".vscode/settings.json"
    file.parent.mkdir()
    file.write_text(text)

    said = write_schemas(tmp_path)

    assert said == (
        ".vscode/settings.json was left alone: it has comments or is no JSON"
    )
    assert file.read_text() == text
    assert (tmp_path / "definitions/.schema/tables.json").exists()


def test_settings_that_cannot_be_written_do_not_stop_a_start(tmp_path: Path) -> None:
    (tmp_path / ".vscode").write_text("")

    assert write_schemas(tmp_path) == (
        ".vscode/settings.json was left alone: file exists"
    )


def test_line_ends_of_settings_stay(tmp_path: Path) -> None:
    file = tmp_path / ".vscode/settings.json"
    file.parent.mkdir()
    file.write_bytes(b'{\r\n  "x": 1\r\n}\r\n')

    write_schemas(tmp_path)

    written = file.read_bytes()
    assert written.endswith(b'  },\r\n  "x": 1\r\n}\r\n')
    assert written.count(b"\n") == written.count(b"\r\n")


@pytest.fixture
def server(tmp_path: Path, tool: Callable[[str], str]) -> Iterator[LanguageServer]:
    write_schemas(tmp_path)
    with language_server(tool("yaml-language-server"), tmp_path) as running:
        yield running


@pytest.mark.needs("yaml-language-server")
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mdf.yml", "project: a\n|\n", {"targets", "groups", "orchestrate"}),
        ("mdf.yml", "targets:\n  dev:\n    engine: |\n", {"embedded", "spark", "databricks"}),
        ("mdf.yml", "groups:\n  a:\n    job:\n      |\n", {"max_concurrent_runs", "health"}),
        (
            "mdf.yml",
            "job:\n  health:\n    rules:\n      - metric: |\n",
            {"RUN_DURATION_SECONDS", "STREAMING_BACKLOG_BYTES"},
        ),
        ("tables/a.yml", "tables:\n  - name: a.b\n    |\n", {"write", "for_each", "keys"}),
        ("tables/a/b.yaml", "tables:\n  - name: a.b\n    write: |\n", set(get_args(models.Write))),
        ("tables/a.yml", "tables:\n  - name: a.b\n    enabled: |\n", {"true", "false"}),
        ("tables/a.yml", "defaults:\n  |\ntables: []\n", {"group", "transformation"}),
        (
            "transformations/a.yml",
            "name: a\nparameters:\n  source: |\n",
            {"table", "stream", "expression"},
        ),
    ],
)  # fmt: skip
def test_an_editor_completes(
    server: LanguageServer, name: str, text: str, expected: set[str]
) -> None:
    found = server.completions(f"definitions/{name}", text)

    assert expected <= set(found)


@pytest.mark.needs("yaml-language-server")
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mdf.yml", "default_ta|rget: dev\n", "meant where none is named"),
        ("tables/a.yml", "tables:\n  - wr|ite: merge\n", "`merge` updates by `keys`"),
        ("tables/a.yml", "defaults:\n  wri|te: merge\n", "`merge` updates by `keys`"),
        ("tables/a.yml", "tables:\n  - for_e|ach: {}\n", "walked side by side"),
        ("transformations/a.yml", "notebo|ok: a.py\n", "for jobs only"),
    ],
)
def test_an_editor_describes(
    server: LanguageServer, name: str, text: str, expected: str
) -> None:
    assert expected in server.hover(f"definitions/{name}", text)


@pytest.mark.needs("yaml-language-server")
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mdf.yml", PROJECT, []),
        ("tables/a.yml", TABLES, []),
        (
            "mdf.yml",
            (
                "project: 1\ntargets: {a: {engine: embedded, catalog: b, mod: development}}\n"
                "job: {max_runs: 1}\n"
            ),
            [
                '1: Incorrect type. Expected "string".',
                "2: Property mod is not allowed.",
                "3: Property max_runs is not allowed.",
            ],
        ),
        (
            "tables/a.yml",
            (
                "tables:\n  - name: a.b\n    writ: merge\n    keys: a\n    write: upsert\n"
                "    task: {max_retries: many, retries: 2}\n"
            ),
            [
                "3: Property writ is not allowed.",
                "4: As text, only a reference such as ${var.x} may stand here.",
                '5: Value is not accepted. Valid values: "overwrite", "append", "merge", "scd2", "view".',
                "6: As text, only a reference such as ${var.x} may stand here.",
                "6: Property retries is not allowed.",
            ],
        ),
    ],
)
def test_an_editor_shows_what_is_wrong(
    server: LanguageServer, name: str, text: str, expected: list[str]
) -> None:
    assert sorted(server.problems(f"definitions/{name}", text)) == expected
