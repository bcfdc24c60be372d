"""What a plain word of YAML is: text, a number, a date, or a surprise."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
"""What all of YAML's own tags start with."""

_EXPONENT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?[eE][-+]?[0-9]+")
"""A number in JSON and YAML 1.2; YAML 1.1 wants a point and a sign."""

_RESOLVER = yaml.resolver.Resolver()


class Misread(ValueError):
    """YAML 1.1 reads a word as something that nobody wrote."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        """Say what YAML makes of the word, and what to write."""
        super().__init__(message)
        self.code, self.hint = code, hint


def scalar_value(node: yaml.ScalarNode) -> Any:
    """The value of a scalar.

    Raises:
        Misread: It isn't what it looks like, or has a tag.
    """
    text = node.value
    if node.tag == f"{TAG}str":
        number = not node.style and _EXPONENT.fullmatch(text)
        return float(text) if number else text
    refuse_tag(node, f"{TAG}str" if node.style else _tag_of(text))
    return _VALUES[node.tag.removeprefix(TAG)](text)


def is_text(word: str) -> bool:
    """Whether YAML reads a plain word as text."""
    return _tag_of(word) == f"{TAG}str" and not _EXPONENT.fullmatch(word)


def refuse_tag(node: yaml.Node, expected: str) -> None:
    """Refuse a tag other than what the text alone says.

    Raises:
        Misread: There is one.
    """
    if node.tag != expected:
        message = f"the tag {node.tag.replace(TAG, '!!')} means nothing here"
        hint = "Remove it: definitions are plain values."
        raise Misread("yaml-tag", message, hint)


def _tag_of(word: str) -> str:
    """The tag that YAML gives to a plain word."""
    return str(_RESOLVER.resolve(yaml.ScalarNode, word, (True, False)))  # type: ignore[no-untyped-call]


def _boolean(text: str) -> bool:
    word = text.lower()
    if word in ("true", "false"):
        return word == "true"
    meant = "true" if word in ("yes", "on") else "false"
    raise _surprise(text, f"as the truth value {meant}", meant)


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    octal = re.fullmatch(r"[-+]?0[0-7]+", digits)
    if ":" in text:
        raise _surprise(text, "as a number in base 60")
    try:
        number = int(digits, 8 if octal else 0)
    except ValueError:
        raise _surprise(text, "as a number that there isn't") from None
    if octal:
        raise _surprise(text, f"as the octal number {number}", f"{int(digits)}")
    if digits != text or not digits.lstrip("+-").isdecimal():
        raise _surprise(text, f"as the number {number}", f"{number}")
    return number


def _decimal(text: str) -> float:
    if ":" in text:
        raise _surprise(text, "as a number in base 60")
    if "_" in text:
        plain = text.replace("_", "")
        raise _surprise(text, f"as the number {plain}", plain)
    word = text.lower()
    if word == ".nan":
        return math.nan  # this one object equals itself in lists and mappings
    return float(re.sub(r"\.inf$", "inf", word))


def _timestamp(text: str) -> dt.date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return dt.date.fromisoformat(text)
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise _surprise(text, "as a date or time that there isn't") from None


def _surprise(text: str, read: str, instead: str = "") -> Misread:
    hint = f'Write  "{text}"  if text is meant'
    hint += f", or  {instead}  if not." if instead else "."
    return Misread("yaml-surprise", f"YAML reads {text} {read}", hint)


_VALUES: dict[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "bool": _boolean,
    "int": _integer,
    "float": _decimal,
    "timestamp": _timestamp,
    "value": str,
    "merge": str,
}
