"""A SQL body's `{{ placeholders }}` and `{% blocks %}`, rendered by type.

Jinja parses and runs them in its sandbox, cut down to what a query needs: a
placeholder is a parameter or a loop variable, never an expression, and what it
renders to has been made from a typed value. Every character of the result knows
where in the body it came from, so that an engine's error points at the user's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

from mdf_magics.transformations.faults import TemplateFault, line_start
from mdf_magics.transformations.rendering import (
    TURN,
    Rendered,
    Replacements,
    Value,
    collected,
    mark_replaced,
    marked,
)

__all__ = ["RESERVED", "Rendered", "Template", "TemplateFault", "Value", "parse"]

RESERVED = frozenset({"loop", "self", "super", "true", "false", "none"})
"""Words that mean something to Jinja and can't name a parameter."""

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.For,
    nodes.If,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
)

_LOOP_VALUES = ("first", "last", "index", "index0", "length")

_HINT = "A body takes {{ parameter }}, {% for x in parameter %} and {% if %}."

_DBT_NAME = re.compile(r"\{\{\s*(?:ref|source)\s*\((?P<parts>[^)]*)\)\s*\}\}")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_QUOTES = re.compile(r"\\.|''|\"\"|``|'|\"|`|--|/\*|\*/|\n", re.DOTALL)

_TOUCHED = re.compile(r"[\w$'\"`\\-]\Z")
"""What would change the meaning of a value right behind it: r'...', --1."""


@dataclass(frozen=True)
class Piece:
    """A part of a body: text, or the placeholder of a name."""

    text: str
    """The text, or the placeholder's name."""
    offset: int
    """Where it stands in the body, in characters from 0."""
    placeholder: bool = False


@dataclass(frozen=True)
class _Tag:
    """A placeholder or block as written, braces included."""

    text: str
    offset: int
    words: tuple[str, ...]


class Template:
    """A parsed body. Get one from `parse`, which remembers them by their text."""

    def __init__(self, text: str) -> None:
        """Parse a body.

        Raises:
            TemplateFault: It isn't a valid template, or does more than a body may.
        """
        self.text = text
        self._tree = _parsed(text)
        self._tags: list[_Tag] = []
        self._pieces = tuple(self._cut())
        self._refuse_what_is_not_needed()
        self._refuse_quoted_placeholders()

    @cached_property
    def plain(self) -> bool:
        """Whether the body has no `{% blocks %}`: only text and placeholders."""
        return not any(self._tree.find_all((nodes.For, nodes.If)))

    @cached_property
    def branches(self) -> bool:
        """Whether which text is rendered depends on values."""
        filtered = (loop.test for loop in self._tree.find_all(nodes.For))
        return any(filtered) or any(True for _ in self._tree.find_all(nodes.If))

    @cached_property
    def names(self) -> dict[str, int]:
        """The parameters that the body uses, with the offset of the first use."""
        free = find_undeclared_variables(self._tree)
        used: dict[str, int] = {}
        for tag in self._tags:
            for name in free.intersection(tag.words):
                used.setdefault(name, tag.offset)
        return dict(sorted(used.items()))

    def render(
        self, values: Mapping[str, Value], replacements: Replacements | None = None
    ) -> Rendered:
        """Render the body.

        Args:
            values: A value for each name the body uses.
            replacements: Names in the text that something else stands for.

        Raises:
            TemplateFault: Rendering fails, or takes or gives too much.
        """
        for name, offset in self.names.items():
            if name not in values:
                message = f"{{{{ {name} }}}} is no parameter"
                raise TemplateFault("unknown-parameter", message, "", offset)
        ordered = dict(sorted((replacements or {}).items()))
        return collected(self.text, self._chunks(values, ordered))

    def _chunks(
        self, values: Mapping[str, Value], replacements: Replacements
    ) -> Iterator[str]:
        if self.plain:
            for piece in self._pieces:
                if piece.placeholder:
                    yield mark_replaced(piece.offset) + values[piece.text].sql
                else:
                    yield marked(piece.text, piece.offset, replacements)
            return
        template = _compiled(self.text, tuple(replacements.items()))
        try:
            yield from template.generate(**values)
        except (UndefinedError, SecurityError, TypeError, ValueError) as error:
            message = f"the template fails: {error}"
            raise TemplateFault("template", message, "", self._block_offset) from error

    @property
    def _block_offset(self) -> int:
        return next(tag.offset for tag in self._tags if tag.text.startswith("{%"))

    def marked_tree(self, replacements: Replacements) -> nodes.Template:
        """The parsed body, its texts and placeholders marked with where they stand."""
        tree, pieces = _parsed(self.text), iter(self._pieces)
        for output in list(tree.find_all(nodes.Output)):
            parts: list[nodes.Expr] = []
            for node in output.nodes:
                piece = next(pieces)
                if piece.placeholder:
                    parts += [nodes.TemplateData(mark_replaced(piece.offset)), node]
                else:
                    text = marked(piece.text, piece.offset, replacements)
                    parts.append(nodes.TemplateData(text))
            output.nodes = parts
        for loop in tree.find_all(nodes.For):
            loop.body.insert(0, nodes.Output([nodes.TemplateData(TURN)]))
        return tree

    def _cut(self) -> Iterator[Piece]:
        """Text and placeholders from Jinja's own tokens, with their offsets."""
        position, begin = 0, 0
        words: list[str] = []
        for _, token, value in _ENVIRONMENT.lex(self.text):
            found = position if token == "data" else self.text.find(value, position)
            position = found + len(value)
            if token == "data":
                yield Piece(value, found)
            elif token in ("variable_begin", "block_begin"):
                begin, words = found, []
            elif token in ("variable_end", "block_end"):
                written = self.text[begin:position].rstrip()
                self._tags.append(_Tag(written, begin, tuple(words)))
                if token == "variable_end":
                    yield self._placeholder(self._tags[-1])
            elif token != "whitespace":
                words.append(value)

    def _placeholder(self, tag: _Tag) -> Piece:
        name = tag.words[0]
        if len(tag.words) > 1 or not name.isidentifier() or name.lower() in RESERVED:
            message = f"{_shortened(tag.text)} is more than a parameter"
            length = len(tag.text)
            hint = _HINT
            if called := _DBT_NAME.fullmatch(tag.text):
                name = ".".join(re.findall(r"[^\s,'\"]+", called["parts"]))
                hint = f"Write the table's name alone: {name}. What it reads is found."
            raise TemplateFault("template", message, hint, tag.offset, length)
        return Piece(name, tag.offset, placeholder=True)

    def _refuse_what_is_not_needed(self) -> None:
        for node in self._tree.find_all(nodes.Node):
            if isinstance(node, nodes.Getattr):
                inner = node.node
                loop = isinstance(inner, nodes.Name) and inner.name == "loop"
                allowed = loop and node.attr in _LOOP_VALUES
            elif isinstance(node, nodes.For):
                names = (
                    isinstance(node.target, nodes.Name),
                    isinstance(node.iter, nodes.Name),
                )
                allowed = all(names) and not node.recursive
            else:
                allowed = isinstance(node, _ALLOWED)
            if not allowed:
                self._refuse(node)

    def _refuse(self, node: nodes.Node) -> None:
        """Refuse the first tag on a node's line that can be meant."""
        word = getattr(node, "attr", None) or getattr(node, "name", None)
        start = line_start(self.text, node.lineno)
        blocks = [tag for tag in self._tags if tag.text.startswith("{%")]
        behind = [tag for tag in blocks if tag.offset + len(tag.text) > start] or blocks
        tag = next((tag for tag in behind if word in tag.words), behind[0])
        message = f"{_shortened(tag.text)} has no place in a body"
        raise TemplateFault("template", message, _HINT, tag.offset, len(tag.text))

    def _refuse_quoted_placeholders(self) -> None:
        open_at, opened, inside, before = 0, "", "", ""
        for piece in self._pieces:
            if piece.placeholder:
                inside = inside or (piece.text if opened else "")
                if not opened and _TOUCHED.search(before):
                    raise _touching_placeholder(piece)
                before = ""
                continue
            before = piece.text
            for match in _QUOTES.finditer(piece.text):
                opened_before, opened = opened, _after(opened, match[0])
                at = piece.offset + match.start()
                if opened and not opened_before:
                    open_at, inside = at, ""
                elif opened_before and not opened and inside:
                    end = at + (0 if match[0] == "\n" else len(match[0]))
                    raise _quoted_placeholder(opened_before, inside, open_at, end)
        if opened and inside:
            raise _quoted_placeholder(opened, inside, open_at, len(self.text.rstrip()))


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """The template of a body's text, parsed once.

    Raises:
        TemplateFault: As `Template`.
    """
    return Template(text)


def _parsed(text: str) -> nodes.Template:
    if bad := _CONTROL.search(text):
        message = f"a body can't hold the character U+{ord(bad[0]):04X}"
        raise TemplateFault("bad-character", message, "Remove it.", bad.start())
    try:
        return _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        start = line_start(text, error.lineno)
        brace = re.compile(r"\{[{%#]").search(text, start) or re.search(
            r"\{[{%#]", text
        )
        offset = brace.start() if brace else start
        message = f"the template can't be read: {error.message}"
        raise TemplateFault("template-syntax", message, _HINT, offset, 2) from error
    except RecursionError:
        message = "the template is nested too deeply"
        raise TemplateFault("template-syntax", message, _HINT) from None


def _after(opened: str, token: str) -> str:
    """What is open after a token, when `opened` is open before it."""
    if opened in ("'", '"', "`"):
        return "" if token == opened else opened
    if opened == "--":
        return "" if token == "\n" else opened
    if opened == "/*":
        return "" if token == "*/" else opened
    return token if token in ("'", '"', "`", "--", "/*") else ""


def _quoted_placeholder(opened: str, name: str, start: int, end: int) -> TemplateFault:
    where = {"'": "a string", '"': "a string", "`": "a quoted name"}
    place = where.get(opened, "a comment")
    message = f"{{{{ {name} }}}} stands inside {place}"
    hint = f"Write  {{{{ {name} }}}}  without quotes: it brings its own."
    if place == "a comment":
        hint = "Take the braces away, or the comment."
    return TemplateFault("quoted-placeholder", message, hint, start, end - start)


def _touching_placeholder(piece: Piece) -> TemplateFault:
    written = f"{{{{ {piece.text} }}}}"
    message = f"{written} touches what stands before it"
    hint = f"Put a blank before  {written} : a value brings its own quotes or sign."
    return TemplateFault(
        "touching-placeholder", message, hint, piece.offset, len(written)
    )


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:37]}..."


_ENVIRONMENT = SandboxedEnvironment(
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
    finalize=str,
    autoescape=False,
)


@lru_cache(maxsize=1024)
def _compiled(
    text: str, replacements: tuple[tuple[tuple[int, int], str], ...]
) -> JinjaTemplate:
    """A template with blocks, ready to be filled."""
    tree = parse(text).marked_tree(dict(replacements))
    return JinjaTemplate.from_code(_ENVIRONMENT, _ENVIRONMENT.compile(tree), {})
