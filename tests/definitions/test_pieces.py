"""A file taken apart says the same as the file read whole, at the same places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mdf_magics.definitions import pieces, reading
from mdf_magics.definitions.composing import compose
from mdf_magics.definitions.reading import Document, read_document
from mdf_magics.errors import Source

LINES = st.sampled_from(
    [
        "tables:",
        "tables: # ours",
        "transformations:",
        "defaults: {group: a}",
        "defaults: &d",
        "  group: a",
        "  - name: a.b",
        "- name: a.b",
        "    - name: a.b",
        "  - {name: a.b, keys: [x]}",
        "  - {name: a.b,",
        "     keys: [x]}",
        "    keys: [x, y]",
        "  keys: [x, y]",
        "    sql: |",
        "    sql: |+",
        "    sql: >2-",
        "      SELECT 1",
        "      - name: in text",
        "    description: 'one",
        "  - two'",
        "    description: plain",
        "    <<: *d",
        "    x: &d {a: 1}",
        "    since: 2024-01-01",
        "    no: off",
        "    name: twice",
        "# comment",
        "      # deeper comment",
        "---",
        "...",
        "%YAML 1.1",
        "\ttab: x",
        "",
        "  ",
        "  -",
        "-",
        "-- x",
        "é: \N{GRINNING FACE}",
    ]
)


def whole(source: Source) -> Document:
    with patch.object(reading, "split", return_value=None):
        return read_document(source)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Any]:
    yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for step, inner in value.items() if isinstance(value, dict) else ():
        yield from paths(inner, (*path, step))


def same(one: Document, other: Document) -> None:
    assert one.value == other.value
    assert [str(p) for p in one.problems] == [str(p) for p in other.problems]
    for path in paths(other.value):
        assert one.place(path) == other.place(path), path
        assert one.place(path, key=True) == other.place(path, key=True), path
        assert one.has(path) == other.has(path), path
        mine, theirs = one.node_at(path), other.node_at(path)
        assert mine is None or theirs is None or mine.tag == theirs.tag
        if isinstance(mine, yaml.ScalarNode) and theirs is not None:
            assert mine.start_mark.index == theirs.start_mark.index
            assert mine.end_mark.index == theirs.end_mark.index


@settings(max_examples=300)
@given(st.lists(LINES, max_size=14), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example(
    ["tables:", "  - name: a.b", "", "  - name: a.c", "defaults:", "  x: 1"], "\n", True
)
@example(["tables:", "- a: |+", "    x", "", "- b"], "\n", True)
def test_a_file_taken_apart_says_the_same(
    lines: list[str], newline: str, ends: bool
) -> None:
    source = Source("a.yml", newline.join(lines) + (newline if ends else ""))

    same(read_document(source), whole(source))


@settings(max_examples=100)
@given(st.lists(LINES, max_size=10), st.integers(0, 10), st.lists(LINES, max_size=3))
def test_so_does_one_that_was_read_before_it_changed(
    lines: list[str], at: int, new: list[str]
) -> None:
    lines = ["tables:", "  - name: a.b", *lines]
    before = read_document(Source("a.yml", "\n".join(lines)))
    after = Source("a.yml", "\n".join([*lines[:at], *new, *lines[at:]]))

    known = {one.text: one for one in before.pieces}

    same(read_document(after, known=known), whole(after))


@pytest.mark.parametrize(
    "text",
    [
        "tables: [{name: a}]\n",
        "tables:\n  - &a {name: x}\n  - *a\n",
        "tables:\n  - name: x\n---\n",
        "tables:\n  - name: 'x\n  - y'\n",
        "tables:\n  - name: x\ntables:\n  - name: y\n",
        "defaults: {a: 1}\ntables:\n  - name: x\nDefaults: {}\n",
        "tables:\n  - name: no\n",
    ],
)
def test_what_can_t_be_taken_apart_is_read_whole(text: str) -> None:
    assert read_document(Source("a.yml", text)).pieces[1:] == ()


def test_only_what_changed_is_read_again() -> None:
    items = [f"  - name: a.t{number}\n" for number in range(50)]
    before = read_document(Source("a.yml", "tables:\n" + "".join(items)))
    items[20] += "    group: b\n"
    with patch.object(pieces, "compose", wraps=compose) as composed:
        source = Source("a.yml", "tables:\n" + "".join(items))
        after = read_document(source, known={one.text: one for one in before.pieces})

    assert composed.call_count == 1
    assert after.value["tables"][20] == {"name": "a.t20", "group": "b"}
    assert after.place(("tables", 21, "name")).line == 24
