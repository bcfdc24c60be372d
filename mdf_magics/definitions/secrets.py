"""Finds secrets in clear text, which have no place in files that are committed.

Some are known by their shape (tokens, keys, signatures), others by their name: what
`password` and the like are set to, unless it is a plain word outside of a connection
string. References are fine. This finds accidents; it is no proof that there are none.
"""

from __future__ import annotations

import re

from mdf_magics.errors import Place, Problem, Source

_HINT = (
    "Put it into a secret scope: fields of jobs and pipelines name it as\n"
    "{{secrets/scope/key}} , SQL as  secret('scope', 'key') .\n"
    "If this was committed or shared, replace the secret by a new one."
)

_NAME = r"(?i:passw(?:or)?d|pwd|(?:client|app)[._-]?secret|(?:api|secret)[._-]?key)"
_NAMES = ("passw", "pwd", "secret", "api")
_FREE = r"(?!\{\{|\$\{)"
_PART = r"[^\s,;&\"'()\[\]{}<>*$|=]"

_SPARK_TOKEN = "a token in a Spark server's address"

_HINTS = {
    _SPARK_TOKEN: (
        "Take  token=...  out and put it into the environment variable\n"
        "SPARK_CONNECT_AUTHENTICATE_TOKEN.\n"
        "If this was committed or shared, replace the token by a new one."
    )
}
"""What to do about secrets that no job or query needs."""

_SECRETS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "a Databricks token",
        ("dapi", "dkea", "dose", "dsapi"),
        r"\b(?P<token>(?:dapi|dkea|dose|dsapi)[0-9a-f]{32})",
    ),
    (
        _SPARK_TOKEN,
        ("sc://",),
        rf"\bsc://[^\s\"']*[;?]token={_FREE}(?P<token>[^\s;\"']+)",
    ),
    ("an AWS access key", ("akia", "asia"), r"\b(?P<key>A[KS]IA[0-9A-Z]{16})\b"),
    (
        "a private key",
        ("private key-",),
        r"(?P<key>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----)",
    ),
    (
        "a web token",
        ("eyj",),
        r"\b(?P<token>eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)",
    ),
    ("a shared access signature", ("sig=",), r"\bsig=(?P<signature>[\w%+/=-]{20,})"),
    (
        "the key of a storage account",
        ("==",),
        r"(?<![\w+/])(?P<key>[\w+/]{86}==)",
    ),
    (
        "a password in a URL",
        ("://",),
        rf"://[^\s/:@\"']*:{_FREE}(?P<password>[^\s/@\"']+)@",
    ),
    (
        "a password in a URL",
        (":thin:",),
        rf":thin:[^\s/:@\"']+/{_FREE}(?P<password>[^\s/@\"']+)@",
    ),
    # in a connection string: set off by ; ? & or a quote
    ("a password", _NAMES, rf"[;?&\"']{_NAME}={_FREE}(?P<password>[^\s;&\"']+)"),
    # quoted right behind an equals sign; as an option, the second of two quoted texts;
    # as a value in YAML or code, but no plain word and no call
    (
        "a password",
        _NAMES,
        (
            rf"{_NAME}(?:=([\"']){_FREE}(?P<quoted>[^\s\"']+)\1"
            rf"|[\"']\s*,\s*[\"']{_FREE}(?P<option>[^\s\"']+)[\"']\s*\)"
            rf"|[\"']?[ \t]*[=:][ \t]*[\"']?{_FREE}(?![A-Za-z_.-]+(?!{_PART}))"
            rf"(?P<value>(?>{_PART}{{4,}}))(?![(\[]))"
        ),
    ),
)
"""What it is, which texts (in lower case) it can't be without, and what it looks like:
the last named group is the secret."""


def check_secrets(source: Source) -> list[Problem]:
    """Find secrets in clear text.

    Args:
        source: A definition file, a body's file or a cell.

    Returns:
        A problem `secret-in-clear` for each. Neither its message nor the text that its
        place shows repeats a secret.
    """
    lowered = source.text.lower()
    found: dict[int, tuple[int, str]] = {}
    for what, marks, pattern in _SECRETS:
        if not any(mark in lowered for mark in marks):
            continue
        for match in re.finditer(pattern, source.text):
            start, end = match.span(match.lastgroup or 0)
            if start not in found or end > found[start][0]:
                found[start] = end, what
    if not found:
        return []
    hidden = source.text
    for start, (end, _) in found.items():
        hidden = hidden[:start] + "*" * (end - start) + hidden[end:]
    shown = Source(source.name, hidden)
    return [
        Problem(
            "secret-in-clear",
            f"{what} stands here in clear text",
            _HINTS.get(what, _HINT),
            _place(shown, start, end - start),
        )
        for start, (end, what) in sorted(found.items())
    ]


def _place(source: Source, offset: int, length: int) -> Place:
    line = source.text.count("\n", 0, offset) + 1
    column = offset - source.text.rfind("\n", 0, offset)
    return Place(source, line, column, length)
