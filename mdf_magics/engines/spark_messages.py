"""Errors of Spark and Databricks in plain words, without plans and stack traces.

Both send an error condition with parameters and, where it is about a part of the
statement, that part. `spark_conditions` says what each condition means.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mdf_magics.engines.findings import LONGEST, Finding
from mdf_magics.engines.python_failures import WORKER_FAILED, failure_on_rows
from mdf_magics.engines.spark_conditions import CONDITIONS, Meaning
from mdf_magics.errors import Problem


def read(error: Exception, text: str, sql: str) -> Finding | Problem:
    """Say what a server means.

    Args:
        error: What pyspark raised for what the server said.
        text: Its text.
        sql: The statement, if it was one.
    """
    if WORKER_FAILED in text:
        return failure_on_rows(text)
    if problem := _denied(text) or _without_auto_loader(text):
        return problem
    told = _told(error, text)
    span, token = _part(error, text, sql)
    if told.condition == "PARSE_SYNTAX_ERROR":
        return _syntax(told, span, token)
    meaning = _meaning(told.condition)
    try:
        message = meaning.message.format(**told.parameters) or told.sentence
        hint = meaning.hint.format(**told.parameters)
        name = told.parameters[meaning.name] if meaning.name else ""
    except KeyError:  # another version of the server has other parameters
        message, hint, name = told.sentence, "", ""
    proposal = told.parameters.get("proposal", "")
    return Finding(
        meaning.code,
        message,
        hint,
        name=name,
        span=span,
        token=token,
        candidates=tuple(one.rpartition(".")[2] for one in proposal.split(", ") if one),
    )


class _Told(NamedTuple):
    """What a server says of an error."""

    condition: str
    """`UNRESOLVED_COLUMN.WITH_SUGGESTION`; empty where it says none."""
    parameters: dict[str, str]
    """Without the quotes that Spark puts around them."""
    sentence: str


_CONDITION = re.compile(r"^\s*\[([A-Z][A-Z0-9_]*(?:\.[A-Z][A-Z0-9_]*)*)\]\s*")
_AFTER = re.compile(
    r"\s*(?:SQLSTATE:|JVM stacktrace:|\n== |\n\n|;\s*line \d+ pos \d+|\bSearch path:)"
    r"[\s\S]*"
)
_CLASS = re.compile(r"^\(?(?:[a-z_]\w*\.)+[A-Z]\w*\)?:?\s*")
"""The Java class that a message may start with."""


def _told(error: Exception, text: str) -> _Told:
    found = _CONDITION.match(text)
    condition = _asked(error, "getCondition", "getErrorClass") or ""
    condition = condition or (found[1] if found else "")
    given = _asked(error, "getMessageParameters") or {}
    parameters = {name: _unquoted(str(value)) for name, value in given.items()}
    sentence = _CLASS.sub("", _CONDITION.sub("", text).strip())
    sentence = " ".join(_AFTER.sub("", sentence).split()).removesuffix(".")
    if len(sentence) > LONGEST:
        sentence = f"{sentence[: LONGEST - 4]} ..."
    return _Told(condition, parameters, sentence or "the server gave no reason")


def _asked(error: Exception, *methods: str) -> Any:
    """What one of an exception's methods returns; it may have none of them."""
    for name in methods:
        if method := getattr(error, name, None):
            return method()
    return None


def _unquoted(value: str) -> str:
    """A parameter as users write it: names without backticks, types in lower case."""
    if value.startswith('"') and value.endswith('"'):
        inner = value[1:-1]
        return inner.lower() if inner.isupper() else inner
    return value.replace("`", "")


def _meaning(condition: str) -> Meaning:
    main = condition.partition(".")[0]
    known = CONDITIONS.get(condition) or CONDITIONS.get(main)
    return known or Meaning(main.lower().replace("_", "-") or "engine-error")


def _part(error: Exception, text: str, sql: str) -> tuple[tuple[int, int] | None, str]:
    """Which part of the statement it is about: in bytes of UTF-8, and its text."""
    start, token = _context(error)
    if not token and (found := re.search(r"\(line (\d+), pos (\d+)\)", text)):
        lines = sql.splitlines(keepends=True)[: int(found[1]) - 1]
        start = sum(map(len, lines)) + int(found[2])
        word = re.match(r"\w+|.", sql[start:])
        token = word[0] if word else ""
    if not token or sql[start : start + len(token)] != token:
        # Java counts some characters twice; or it is about another text.
        start = sql.find(token) if token else -1
    if start < 0 or "\n" in token or token == sql.strip():
        return None, ""
    before = len(sql[:start].encode())
    return (before, before + len(token.encode())), token


def _context(error: Exception) -> tuple[int, str]:
    """Where the part starts and what it is, if the server says it."""
    for context in _asked(error, "getQueryContext") or ():
        if context.contextType().name == "SQL":  # not a DataFrame's method
            return context.startIndex(), context.fragment()
    return -1, ""


def _syntax(told: _Told, span: tuple[int, int] | None, token: str) -> Finding:
    found = told.parameters.get("error", "").removeprefix("'").removesuffix("'")
    if found == "end of input":
        return Finding("sql-syntax", "it ends too early", at_end=True)
    if found in ("'", '"', "`", ""):
        quote = found or "`"
        message = f"a quote ({quote}) is opened and never closed"
        return Finding("sql-syntax", message, span=span, token=token)
    shown = found if found.isidentifier() else f'"{found}"'
    hint = told.parameters.get("hint", "").removeprefix(": ")
    hint = f"{hint[0].upper()}{hint[1:]}." if hint else ""
    message = f"{shown} can't stand here"
    return Finding("sql-syntax", message, hint, span=span, token=token)


_DENIED = (
    re.compile(
        r"does(?: not|n't) have (?:the )?(?:privilege |permission )?"
        r"(?P<privilege>[A-Z][A-Z_]*(?: [A-Z_]+)*)(?: privilege| permission)?"
        r" on (?P<kind>[A-Za-z]+(?: [Vv]iew)?) [`'\"]?(?P<object>[^`'\"\s]+)"
    ),
    re.compile(
        r"(?P<kind>Table|Schema|Catalog|View|Volume|Function) "
        r"[`'\"](?P<object>[^`'\"]+)[`'\"][^.]*denied"
        r"[\s\S]*?(?P<privilege>[A-Z][A-Z_]*(?: [A-Z_]+)*) on"
    ),
    re.compile(
        r"requires (?:the )?(?P<privilege>[A-Z][A-Z_]*(?: [A-Z_]+)*)(?: privilege)?"
        r" on (?P<kind>[A-Za-z]+) [`'\"]?(?P<object>[^`'\"\s]+)"
    ),
)
_MARKS = ("INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED", "UNAUTHORIZED_ACCESS")


def _denied(text: str) -> Problem | None:
    """The problem, if a right is missing: which one, and on what."""
    if not any(mark in text for mark in _MARKS):
        return None
    for pattern in _DENIED:
        if found := pattern.search(text):
            kind, name = found["kind"].lower(), found["object"].rstrip(".,;")
            grant = f"GRANT {found['privilege']} ON {kind.upper()} {name} TO ..."
            return Problem(
                "permission-denied",
                f'the right {found["privilege"]} on the {kind} "{name}" is missing',
                f"Ask the {kind}'s owner for:  {grant}",
            )
    told = _told(Exception(), text)
    hint = "Ask the owner of what is read or written for the right."
    return Problem("permission-denied", told.sentence, hint)


def _without_auto_loader(text: str) -> Problem | None:
    """The problem, if the runtime asked for what only Databricks has."""
    if "CREATE VOLUME" not in text and "cloudFiles" not in text:
        return None
    message = "the server doesn't know which files are new: it has no Auto Loader"
    hint = "Read all of them with  write: overwrite . The engines that can: embedded,"
    return Problem("not-supported", message, f"{hint} databricks.")
