"""What is offered on a magic's line: options and their values, names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mdf_magics.commands import VERBS, Option, Verb
from mdf_magics.notebook.completion.offer import (
    NOTHING,
    Offer,
    matching,
    names_with_dots,
)
from mdf_magics.vocabulary import Vocabulary

_LINE = re.compile(r"\s*%%?mdf_(\w+)\s+(.*)")
_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+|["'].*""")


def line_offer(before: str, vocabulary: Vocabulary) -> Offer:
    """What may follow on a magic's line.

    Args:
        before: The line up to the cursor.
        vocabulary: The project's names.
    """
    found = _LINE.match(before)
    verb = found and next((one for one in VERBS if one.name == found[1]), None)
    if found is None or verb is None or verb.face == "command":
        return NOTHING
    rest = found[2]
    words = _WORD.findall(rest)
    word = "" if not words or rest[-1:].isspace() else words.pop()
    options = {f"--{one.name}": one for one in verb.options_of("magic")}
    wanted = options.get(words[-1]) if words else None
    name, equals, given = word.partition("=")
    if equals and name in options:
        return _named(given, options[name].value, vocabulary)
    if wanted and wanted.kind is not bool and not wanted.value.startswith("["):
        return _named(word, wanted.value, vocabulary)
    unused = [one for one in options if one not in words]
    if word.startswith("-"):
        return matching(word, unused)
    offer = _positional(word, verb, _plain(words, options), vocabulary)
    return offer if word or offer.candidates else matching(word, unused)


def _plain(words: Iterable[str], options: dict[str, Option]) -> list[str]:
    """The words that are neither options nor values of theirs."""
    plain: list[str] = []
    value_follows = False
    for word in words:
        if word.startswith("--"):
            option = options.get(word)
            value_follows = bool(option and option.kind is not bool)
        elif value_follows:
            value_follows = False
        else:
            plain.append(word)
    return plain


def _positional(
    word: str, verb: Verb, plain: list[str], vocabulary: Vocabulary
) -> Offer:
    for index, argument in enumerate(verb.arguments):
        if argument.many or index == len(plain):
            sign = "+" if argument.many and word.startswith("+") else ""
            return _named(word.removeprefix(sign), argument.of, vocabulary)
    return NOTHING


def _named(word: str, kind: str, vocabulary: Vocabulary) -> Offer:
    """Names of a kind, as the table of verbs calls it."""
    quoted = word[:1] in ("'", '"')
    word = word[1:] if quoted else word
    match kind.lower():
        case "table":
            return names_with_dots(word, vocabulary.tables, quoted=quoted)
        case "definition":
            return names_with_dots(
                word,
                vocabulary.tables,
                quoted=quoted,
                others=vocabulary.transformations,
            )
        case "selection":
            return names_with_dots(
                word, vocabulary.tables, quoted=quoted, others=vocabulary.groups
            )
        case "transformation":
            return matching(word, vocabulary.transformations)
        case "target":
            return matching(word, vocabulary.targets)
        case "group":
            return matching(word, vocabulary.groups)
        case "verb":
            names = [one.name for one in VERBS if one.face != "command"]
            return matching(word, names)
        case _:
            return NOTHING
