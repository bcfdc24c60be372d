"""Where the cursor stands in YAML that is half written."""

from __future__ import annotations

import pytest

from mdf_magics.notebook.completion.yaml_cursor import (
    cursor_after,
    written_keys,
    written_values,
)


@pytest.mark.parametrize(
    ("text", "path", "word"),
    [
        ("", "", ""),
        ("wri", "", "wri"),
        ("arguments: {so", "arguments", "so"),
        ("arguments: {source: bronze.a, ke", "arguments", "ke"),
        ("arguments: {\n  source: x,\n  ke", "arguments", "ke"),
        ("arguments:\n  source: x\n  ke", "arguments", "ke"),
        ("arguments:\n  ", "arguments", ""),
        ("a:\n  b:\n    c: 1\nd", "", "d"),
        ("sql: |\n  SELECT a: b\nwri", "", "wri"),
        ("expectations:\n- {name: x, ", "expectations", ""),
        ('description: "a, {b: [c"\nwri', "", "wri"),
    ],
)
def test_key_may_stand_there(text: str, path: str, word: str) -> None:
    cursor = cursor_after(text.split("\n"))

    assert (cursor.key, cursor.value) == (True, False)
    assert (".".join(cursor.path), cursor.word) == (path, word)


@pytest.mark.parametrize(
    ("text", "path", "word"),
    [
        ("write: ", "write", ""),
        ("write: mer", "write", "mer"),
        ("arguments: {source: ", "arguments.source", ""),
        ("arguments: {source: bronze.a, keys: [ca", "arguments.keys", "ca"),
        ("arguments: {source: x, keys: [a, ", "arguments.keys", ""),
        ("arguments:\n  source: bro", "arguments.source", "bro"),
        (
            "expectations:\n  - name: x\n    on_failure: dr",
            "expectations.on_failure",
            "dr",
        ),
        ("name: silver.${each.wh", "name", "silver.${each.wh"),
    ],
)
def test_value_may_stand_there(text: str, path: str, word: str) -> None:
    cursor = cursor_after(text.split("\n"))

    assert (cursor.key, cursor.value) == (False, True)
    assert (".".join(cursor.path), cursor.word) == (path, word)


@pytest.mark.parametrize("text", ["keys:\n  - ", "keys:\n- ", "keys:\n  - a\n  - "])
def test_item_may_be_a_value_or_begin_a_mapping(text: str) -> None:
    cursor = cursor_after(text.split("\n"))

    assert (cursor.key, cursor.value, cursor.path) == (True, True, ("keys",))


def test_open_quote_is_told() -> None:
    cursor = cursor_after(['arguments: {source: "bronze.a'])

    assert (cursor.quoted, cursor.word) == (True, "bronze.a")


def test_keys_beside_it_are_told() -> None:
    assert cursor_after(["a: {b: 1, c: 2, "]).used == {"b", "c"}
    assert cursor_after(["x:", "  - {b: 1}", "  - {c: 2, "]).used == {"c"}


def test_values_of_a_whole_text_are_found_by_their_keys() -> None:
    lines = [
        "for_each: {what: [a, b], k: [[x], [y]]}",
        "transformation: z  # a comment, {not: yaml}",
        "arguments:",
        '  source: "bronze.${each.what}"',
        "expectations:",
        "- {check: a > 1, name: b}",
    ]

    assert written_values(lines) == {
        ("for_each", "what"): ["a", "b"],
        ("for_each", "k"): ["x", "y"],
        ("transformation",): ["z"],
        ("arguments", "source"): ["bronze.${each.what}"],
        ("expectations", "check"): ["a > 1"],
        ("expectations", "name"): ["b"],
    }
    assert written_keys(lines, ("for_each",)) == {"what", "k"}
