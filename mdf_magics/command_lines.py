"""Takes a magic's line apart, as the table of verbs says."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdf_magics.commands import Option, Verb, WrongUsage
from mdf_magics.errors import Problem, closest

_SHORT = {"-h": "--help", "-t": "--target"}
"""What the command takes, too."""

_ELSEWHERE = {
    ("run", "tables"): "Did you mean --select? ",
    ("deploy", "tables"): "Did you mean --select? ",
    ("deploy", "dry-run"): "%mdf_plan shows what a deploy would do. ",
    ("graph", "svg"): "Did you mean --format svg? ",
}
"""What people look for under the name that another tool gives it."""


@dataclass(frozen=True)
class Parsed:
    """A magic's line, taken apart."""

    arguments: Mapping[str, Any]
    options: Mapping[str, Any]


def parse_line(one: Verb, line: str) -> Parsed:
    """Parse what stands behind a magic.

    Quotes group words as in a shell; what stands behind a # is a comment.

    Raises:
        WrongUsage: The verb has no such option, or a word is missing or too many.
    """
    words = _words(one, line)
    options = {option.name: option for option in one.options_of("magic")}
    values: dict[str, Any] = {option.key: None for option in options.values()}
    plain: list[str] = []
    while words:
        word = words.pop(0)
        word = _SHORT.get(word, word)
        if not word.startswith("--") or word == "--":
            plain.append(word)
            continue
        name, equals, given = word[2:].partition("=")
        option = options.get(name)
        if option is None:
            raise _usage(one, f"there is no option --{name}", _near(one, name, options))
        values[option.key] = _value(one, option, given if equals else None, words)
    return Parsed(_arguments(one, plain), values)


def _words(one: Verb, line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.escape = ""  # a Windows path keeps its backslashes
    try:
        return list(lexer)
    except ValueError as error:
        raise _usage(one, "a quote is opened and never closed") from error


def _value(one: Verb, option: Option, given: str | None, words: list[str]) -> Any:
    if option.kind is bool:
        if given is not None:
            raise _usage(one, f"--{option.name} takes no value")
        return True
    optional = option.value.startswith("[")
    follows = bool(words) and not words[0].startswith("--")
    if given is None and follows and (not optional or words[0].isdigit()):
        given = words.pop(0)
    if given is None:
        if optional:
            return ""
        raise _usage(
            one, f"--{option.name} wants a value: --{option.name} {option.value}"
        )
    if option.kind is int:
        if not given.isdigit():
            raise _usage(one, f'--{option.name} wants a number, not "{given}"')
        return int(given)
    if option.choices and given not in option.choices:
        said = ", ".join(option.choices)
        raise _usage(one, f"--{option.name} is one of {said}, not {given}")
    return given


def _arguments(one: Verb, words: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rest = list(words)
    for argument in one.arguments:
        if argument.many:
            found[argument.name], rest = tuple(rest), []
        elif rest:
            found[argument.name] = rest.pop(0)
        else:
            found[argument.name] = None
    if rest:
        raise _usage(one, f'"{rest[0]}" is one word too many')
    return found


def _near(one: Verb, name: str, options: Mapping[str, Option]) -> str:
    if near := closest(name, options):
        return f"Did you mean --{near}? "
    return _ELSEWHERE.get((one.name, name), "")


def _usage(one: Verb, message: str, hint: str = "") -> WrongUsage:
    options = ", ".join(f"--{option.name}" for option in one.options_of("magic"))
    page = f"Options: {options}. Help:  %{one.magic}?"
    return WrongUsage(Problem("wrong-usage", message, f"{hint}{page}"))
