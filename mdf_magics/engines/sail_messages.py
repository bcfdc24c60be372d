"""Sail's messages in plain words: what is wrong, which name, where in the text.

Sail (pysail 0.7.2) sends one line without Spark's error classes, often in the words of
its Rust libraries: `attribute ObjectName([Identifier("idd")]) is missing from the
schema`, `Cannot coerce arithmetic expression Utf8 + Int32`. tests/engines/ holds the
messages that were collected from it. A message that no rule knows is shown as it is,
without prefixes, plans and lists of candidates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from mdf_magics.engines.findings import LONGEST, Finding
from mdf_magics.engines.sail_rules import RULES, Rule
from mdf_magics.engines.type_names import with_sql_types

_NOISE = re.compile(
    r"^(?:(?:invalid argument|Execution error|Error during planning|Internal error"
    r"|External error|Cast error|Compute error|analysis error|internal error"
    r"|not supported|not implemented|error in SQL parser|Spark)\s*: )+",
    re.IGNORECASE,
)

_NAME = re.compile(r"ObjectName\(\[(.*?)\]\)")
_PART = re.compile(r'Identifier\("((?:[^"\\]|\\.)*)"\)')

_SYNTAX = re.compile(
    r"found (?:(?P<end>end of input)|(?P<token>[\s\S]+?) at (?P<from>\d+):(?P<to>\d+))"
    r" expected (?P<expected>[\s\S]+)"
)


def understand(text: str) -> Finding:
    """Say in plain words what a message of Sail's says."""
    text = _NAME.sub(lambda match: ".".join(_PART.findall(match[1])), text)
    if match := _SYNTAX.search(text):
        return _syntax(match)
    text = with_sql_types(text)
    if "expected one statement" in text:
        return Finding("sql-syntax", "there must be exactly one statement")
    for rule in RULES:
        if match := re.search(rule.pattern, text):
            return _apply(rule, match, text)
    return Finding("engine-error", _shortened(text))


def _apply(rule: Rule, match: re.Match[str], text: str) -> Finding:
    groups = {
        name.partition("_")[0]: value
        for name, value in match.groupdict().items()
        if value is not None
    }
    for name, words in _WORDS_OF_GROUPS.items():
        if name in groups:
            groups[name] = words(groups[name])
    message = rule.message.format(**groups) if rule.message else text
    finding = Finding(rule.code, _shortened(message), rule.hint.format(**groups))
    return replace(finding, name=groups.get("name", ""))


_WORDS_OF_GROUPS: dict[str, Callable[[str], str]] = {
    "name": lambda name: name.strip().replace("`", ""),
    "type": lambda kind: kind.lower().partition("(")[0],
    "format": str.upper,
    "column": lambda number: str(int(number) + 1),
}


def _shortened(text: str) -> str:
    """The first sentence or line that says something, without what leads up to it."""
    text = _NOISE.sub("", text.strip())
    text = re.sub(r"\s+", " ", text.partition("\n\n")[0]).removesuffix(".")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


_QUOTES = {"'''": "'", "'\"'": '"', "'`'": "`"}

_EXPECTED = re.compile(r"'(?:'|[^']+)'|[a-z][a-z ]+")

_WORDS = {
    "expression": "an expression",
    "identifier": "a name",
    "query": "a query",
    "statement": "a statement",
    "data type": "a data type",
    "number": "a number",
    "string": "a string",
}

_UNSAID = {"something else", "any", "end of input", "or end of input", "variable"}


def _syntax(match: re.Match[str]) -> Finding:
    if match["end"]:
        quote = next(
            (q for text, q in _QUOTES.items() if text in match["expected"]), ""
        )
        if quote:
            message = f"a quote ({quote}) is opened and never closed"
            return Finding("sql-syntax", message)
        expected = _listed(match["expected"])
        message = f"it ends too early{expected and f': expected {expected}'}"
        return Finding("sql-syntax", message, at_end=True)
    token = match["token"]
    if "'0', '1'" in match["expected"]:
        message = f"a date or timestamp can't be read: found {token}"
        return Finding("bad-value", message, token=token)
    expected = _listed(match["expected"])
    shown = token if token.isidentifier() else f'"{token}"'
    message = f"expected {expected}, found {shown}"
    if not expected:
        message = f"{shown} can't stand here"
    span = int(match["from"]), int(match["to"])
    return Finding("sql-syntax", message, span=span, token=token)


def _listed(expected: str) -> str:
    """A short list of what could stand there; nothing when it is long."""
    items = [item.removeprefix("or ").strip() for item in _EXPECTED.findall(expected)]
    items = [_WORDS.get(item, item.strip("'")) for item in items if item not in _UNSAID]
    items = [item for item in items if item not in ("", ";")]
    if not items or len(items) > 4:
        return ""
    *first, last = items
    return f"{', '.join(first)} or {last}" if first else last
