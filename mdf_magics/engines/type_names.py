"""Arrow's names of types, as Rust prints them, in SQL's words."""

from __future__ import annotations

import re

_PLAIN = {
    "Boolean": "boolean",
    "Int8": "tinyint",
    "Int16": "smallint",
    "Int32": "int",
    "Int64": "bigint",
    "Float32": "float",
    "Float64": "double",
    "Utf8": "string",
    "LargeUtf8": "string",
    "Utf8View": "string",
    "Binary": "binary",
    "LargeBinary": "binary",
    "BinaryView": "binary",
    "Date32": "date",
    "Null": "void",
}

_STEPS = (
    (re.compile(r"\bnon-null "), ""),
    (re.compile(rf"(?<![\w:])(?:{'|'.join(_PLAIN)})\b(?!\()"), lambda m: _PLAIN[m[0]]),
    # A parenthesis left in a finished name would end the enclosing one.
    (re.compile(r"\bDecimal\d+\((\d+), (-?\d+)\)"), "decimal⟨\\1,\\2⟩"),
    (re.compile(r"\bDecimal\d+\b"), "decimal"),
    (re.compile(r"\bTimestamp\([^(),]+, \"[^\"]*\"\)"), "timestamp"),
    (re.compile(r"\bTimestamp\([^()]+\)"), "timestamp_ntz"),
    (re.compile(r"\b(?:Interval|Duration)\([^()]*\)"), "interval"),
)

_STRUCT = re.compile(r"\bStruct\(([^()]*)\)")
_LIST = re.compile(r"\b(?:Large)?List\(([^()]*?)(?:, field: '[^']*')?\)")
_MAP = re.compile(r"\bMap\(\"\w+\": struct<\w+:(.*?),\w+:(.*?)>, (?:un)?sorted\)")


def with_sql_types(text: str) -> str:
    """The text with `List(Utf8)` and the like written as `array<string>`."""
    for pattern, words in _STEPS:
        text = pattern.sub(words, text)
    before = ""
    while before != text:  # from the inside out
        before = text
        text = _STRUCT.sub(_struct, text)
        text = _MAP.sub(r"map<\1,\2>", text)
        text = _LIST.sub(r"array<\1>", text)
    return text.replace("⟨", "(").replace("⟩", ")")


def _struct(match: re.Match[str]) -> str:
    fields = re.sub(r'"([^"]*)": ', r"\1:", match[1])
    return f"struct<{fields.replace(', ', ',')}>"
