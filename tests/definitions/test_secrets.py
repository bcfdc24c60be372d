"""Secrets in clear text are found, told about, and never repeated."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mdf_magics.definitions.loading import load
from mdf_magics.definitions.secrets import check_secrets
from mdf_magics.errors import Source

HEX = "0123456789abcdef" * 2
BASE64 = "Ab+/" * 21 + "Ab"

SECRETS = {
    f"token: dapi{HEX}": f"dapi{HEX}",
    f"'dapi{HEX}-3'": f"dapi{HEX}",
    f"client: dose{HEX}": f"dose{HEX}",
    "remote: sc://host:443/;use_ssl=true;token=swordfish": "swordfish",
    "aws: AKIAIOSFODNN7EXAMPLE": "AKIAIOSFODNN7EXAMPLE",
    "key: |\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIE": "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----": "-----BEGIN PRIVATE KEY-----",
    f"bearer: eyJ{'a' * 20}.eyJ{'b' * 20}.sig-1": f"eyJ{'a' * 20}.eyJ{'b' * 20}.sig-1",
    "path: https://a.blob.core.windows.net/c?sv=1&sig=abcDEF123%2Babcdefghij%3D&se=2": "abcDEF123%2Babcdefghij%3D",
    f"conf: {{fs.azure.account.key.a.dfs: {BASE64}==}}": f"{BASE64}==",
    f"AccountName=a;AccountKey={BASE64}==;": f"{BASE64}==",
    "url: jdbc:postgresql://me:swordfish@db.example.com/x": "swordfish",
    "url: mongodb+srv://me:sword:fish@db": "sword:fish",
    "url: jdbc:oracle:thin:scott/tiger@//db:1521/x": "tiger",
    "url: jdbc:sqlserver://db;user=sa;password=swordfish;encrypt=true": "swordfish",
    "url: jdbc:mysql://db/x?user=me&password=swordfish": "swordfish",
    'options = "PWD=swordfish"': "swordfish",
    'connect(password="swordfish")': "swordfish",
    "spark.read.option('password', 'swordfish')": "swordfish",
    '.option("dbPassword", "swordfish")': "swordfish",
    "options: {user: me, password: hunter2}": "hunter2",
    "password: 'hunter2!'": "hunter2!",
    '{"password": "hunter2"}': "hunter2",
    "db_password: 12345678": "12345678",
    "spark.hadoop.fs.s3a.secret.key: wJalrXUtnFEMI/K7MDENG": "wJalrXUtnFEMI/K7MDENG",
    "client_secret: a~b.c8Q": "a~b.c8Q",
}

FINE = [
    "password: '{{secrets/flights/db}}'",
    "password: {{secrets/flights/db}}",
    'password: "${var.password}"',
    "url: jdbc:mysql://db/x?user=me&password={{secrets/flights/db}}",
    "url: jdbc:postgresql://me:${var.password}@db",
    "url: jdbc:postgresql://db.example.com:5432/x",
    "path: abfss://landing@account.dfs.core.windows.net/x",
    "remote: sc://localhost:15002",
    "git: https://github.com/a/b.git  # ask a@b.c: it is his",
    "email_notifications: {on_failure: [team@example.com]}",
    "parameters: {password: string, api_key: column}",
    "parameters: {password: {type: column, default: password_hash1}}",
    "columns: [user, password, address1]",
    'columns: ["password", "address1"]',
    "columns:\n  password:\n    comment: hashed2",
    "arguments: {password: hashed_password}",
    "SELECT password, api_key FROM users WHERE password IS NOT NULL",
    "SELECT sha2(password, 256) AS password",
    "api_key = sha2(frame.id, 256)",
    "password = row['p1']",
    "hash_users(password=hashed)",
    "def login(password: str = 'x') -> None:",
    "dbutils.secrets.get('scope', 'dapi')",
    f"commit: {HEX}{HEX[:8]}",
    "sig=1",
    "a == b",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_found_and_never_repeated(text: str) -> None:
    secret = SECRETS[text]
    before = text[: text.index(secret)]

    found = check_secrets(Source("definitions/mdf.yml", f"# one\n{text}\n"))

    assert [problem.code for problem in found] == ["secret-in-clear"]
    (problem,) = found
    assert problem.place is not None
    line, column = before.count("\n") + 2, len(before.rpartition("\n")[2]) + 1
    assert (problem.place.line, problem.place.column) == (line, column)
    assert problem.place.length == len(secret)
    shown = f"{problem}{problem.to_json()}{problem!r}{problem.place.source.text}"
    assert secret not in shown


@pytest.mark.parametrize("text", FINE)
def test_what_only_resembles_a_secret_is_fine(text: str) -> None:
    assert check_secrets(Source("definitions/mdf.yml", text)) == []


def test_a_problem_says_what_it_is_and_what_to_do() -> None:
    text = "job:\n  tags: {password: hunter2}\n"

    (problem,) = check_secrets(Source("definitions/mdf.yml", text))

    assert str(problem) == (
        "secret-in-clear: a password stands here in clear text\n"
        "  definitions/mdf.yml:2:20\n"
        "    2 |   tags: {password: *******}\n"
        "      |                    ^^^^^^^\n"
        "  Put it into a secret scope: fields of jobs and pipelines name it as\n"
        "  {{secrets/scope/key}} , SQL as  secret('scope', 'key') .\n"
        "  If this was committed or shared, replace the secret by a new one."
    )


def test_all_files_of_a_project_are_looked_through(tmp_path: Path) -> None:
    files = {
        "mdf.yml": "project: a\ntargets: {local: {engine: embedded, catalog: main}}\n"
        "variables: {password: hunter2}\n",
        "transformations/a.yml": f"name: a\nsql: |\n  SELECT 'dapi{HEX}'\n",
        "transformations/b.yml": "name: b\nfile: b.sql\n",
        "transformations/b.sql": "SELECT 'password=swordfish'\n",
        "tables/a.yml": "tables:\n- {name: a.b, transformation: a}  # password: hunter2\n",
    }
    for name, text in files.items():
        path = tmp_path / "definitions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    problems = load(tmp_path).problems

    found = sorted(str(one.place) for one in problems if one.code == "secret-in-clear")
    assert found == [
        "definitions/mdf.yml:3:23",
        "definitions/tables/a.yml:2:47",
        "definitions/transformations/a.yml:3:11",
        "definitions/transformations/b.sql:1:18",
    ]


def test_looking_costs_next_to_nothing() -> None:
    """A thousand tables are some 250 KB; to load and check them may take 0.6 s."""
    entry = (
        "  - name: silver.a\n    transformation: latest_per_key\n    group: silver\n"
        '    arguments: {source: "abfss://landing@account.dfs.core.windows.net/a", '
        "keys: [id, day], comment: the keys of a == b, token: none}\n"
    )
    source = Source("", f"tables:\n{entry * 1200}")

    start = time.perf_counter()
    found = check_secrets(source)
    seconds = time.perf_counter() - start

    assert found == []
    assert seconds < 0.1
