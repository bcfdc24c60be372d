"""A SQL body's `{{ placeholders }}` and `{% blocks %}`, rendered by type.

Jinja parses and runs them in its sandbox, cut down to what a query needs: a
placeholder is a parameter or a loop variable, never an expression, and what it
renders to has been made from a typed value. Every character of the result knows
where in the body it came from, so that an engine's error points at the user's text.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

LONGEST_OUTPUT = 4_000_000
"""Characters of one rendered query."""

LONGEST_TIME = 5.0
"""Seconds that one rendering may take."""

MOST_STEPS = 200_000
"""Pieces of text and turns of loops in one rendering."""

_MARK = "\x00"
_MARKS = re.compile("\x00(=?[0-9]*)\x00")

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


class TemplateFault(ValueError):
    """Something wrong with a body, at an offset of its text."""

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        offset: int = 0,
        length: int = 1,
        cause: int | None = None,
    ) -> None:
        """Say what is wrong and where.

        Args:
            code: The problem's code.
            message: What is wrong.
            hint: What to do; `{line}` stands for the line of the cause.
            offset: Where it shows, in characters from 0.
            length: How many characters are marked.
            cause: Where the cause stands, if that is elsewhere.
        """
        super().__init__(message)
        self.code, self.hint = code, hint
        self.offset, self.length, self.cause = offset, length, cause


@dataclass(frozen=True)
class Piece:
    """A part of a body: text, or the placeholder of a name."""

    text: str
    """The text, or the placeholder's name."""
    offset: int
    """Where it stands in the body, in characters from 0."""
    placeholder: bool = False


class Value:
    """What a parameter is in a template: compares as its value, prints as SQL."""

    def __init__(self, raw: Any, sql: str, items: tuple[Value, ...] = ()) -> None:
        """Pair a value with its SQL; `items` are what a loop over it gives."""
        self.raw, self.sql, self.items = raw, sql, items

    def __str__(self) -> str:
        return self.sql

    def __iter__(self) -> Iterator[Value]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __hash__(self) -> int:
        return hash(self.sql)

    def __eq__(self, other: object) -> bool:
        return bool(self.raw == _raw(other))

    def __lt__(self, other: object) -> bool:
        return bool(self.raw < _raw(other))

    def __le__(self, other: object) -> bool:
        return bool(self.raw <= _raw(other))

    def __gt__(self, other: object) -> bool:
        return bool(self.raw > _raw(other))

    def __ge__(self, other: object) -> bool:
        return bool(self.raw >= _raw(other))

    def __contains__(self, other: object) -> bool:
        return any(item == other for item in self.items)


@dataclass(frozen=True)
class Rendered:
    """A rendered query, with the origin of each of its characters."""

    text: str
    starts: tuple[int, ...]
    """Offsets in `text` where a stretch with a new origin begins."""
    origins: tuple[int, ...]
    """Where each stretch begins in the body."""
    replaced: frozenset[int] = frozenset()
    """Indexes of stretches that stand for something else: all of one origin."""

    def origin(self, offset: int) -> int:
        """The offset in the body that a character of the text came from."""
        index = bisect_right(self.starts, offset) - 1
        if index < 0:
            return 0
        if index in self.replaced:
            return self.origins[index]
        ahead = offset - self.starts[index]
        following = index + 1
        if following < len(self.origins):
            room = max(0, self.origins[following] - self.origins[index] - 1)
            ahead = min(ahead, room)
        return self.origins[index] + ahead


type Replacements = Mapping[tuple[int, int], str]
"""Stretches of the body (start, end) and the text that stands there instead."""


class Template:
    """A parsed body. Get one from `parse`, which remembers them by their text."""

    def __init__(self, text: str) -> None:
        """Parse a body.

        Raises:
            TemplateFault: It isn't a valid template, or does more than a body may.
        """
        self.text = text
        self.environment = _environment()
        self._tree = self._parsed()
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
        return any(True for _ in self._tree.find_all(nodes.If))

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Text and placeholders in the order in which they stand."""
        return self._pieces

    @cached_property
    def names(self) -> dict[str, int]:
        """The parameters that the body uses, with the offset of the first use."""
        used: dict[str, int] = {}
        for name in sorted(_free_names(self._tree)):
            found = re.search(rf"\{{[{{%][^}}]*\b{re.escape(name)}\b", self.text)
            used[name] = found.start() if found else 0
        return used

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
        chunks = self._chunks(values, tuple(sorted((replacements or {}).items())))
        return _collect(self.text, chunks)

    def _chunks(
        self,
        values: Mapping[str, Value],
        replacements: tuple[tuple[tuple[int, int], str], ...],
    ) -> Iterator[str]:
        if self.plain:
            for piece in self._pieces:
                if piece.placeholder:
                    yield _mark(piece.offset, "=") + values[piece.text].sql
                else:
                    yield _marked(piece, replacements)
            return
        template = _compiled(self.text, replacements)
        try:
            yield from template.generate(**values)
        except (UndefinedError, SecurityError, TypeError, ZeroDivisionError) as error:
            raise TemplateFault("template", f"the template fails: {error}") from error

    def _parsed(self) -> nodes.Template:
        if _MARK in self.text:
            message = "a body can't hold the character U+0000"
            offset = self.text.index(_MARK)
            raise TemplateFault("bad-character", message, "Remove it.", offset)
        try:
            return self.environment.parse(self.text)
        except TemplateSyntaxError as error:
            lines = self.text.splitlines(keepends=True)
            offset = sum(len(line) for line in lines[: error.lineno - 1])
            message = f"the template can't be read: {error.message}"
            hint = "Placeholders are {{ name }}, blocks {% for %} and {% if %}."
            raise TemplateFault("template-syntax", message, hint, offset) from error

    def _cut(self) -> Iterator[Piece]:
        """Text and placeholders from Jinja's own tokens, with their offsets."""
        position, begin, name = 0, -1, ""
        for _, token, value in self.environment.lex(self.text):
            if token == "data":
                yield Piece(value, position)
                position += len(value)
                continue
            found = self.text.find(value, position)
            if token == "variable_begin":
                begin, name = found, ""
            elif token == "name" and begin >= 0 and not name:
                name = value
            elif token == "variable_end":
                yield Piece(name, begin, placeholder=True)
                begin = -1
            position = found + len(value) if found >= 0 else position

    def _refuse_what_is_not_needed(self) -> None:
        for node in self._tree.find_all(nodes.Node):
            if isinstance(node, nodes.Output):
                self._refuse_expressions(node)
            elif isinstance(node, nodes.Getattr) and _is_loop(node):
                continue
            elif not isinstance(node, (*_ALLOWED, nodes.Getattr)):
                self._refuse(node, f"{type(node).__name__.lower()} has no place here")
            elif isinstance(node, nodes.Getattr):
                self._refuse(node, f".{node.attr} has no place here")

    def _refuse_expressions(self, output: nodes.Output) -> None:
        for node in output.nodes:
            if not isinstance(node, nodes.TemplateData | nodes.Name):
                self._refuse(node, "a placeholder is a parameter, not an expression")

    def _refuse(self, node: nodes.Node, message: str) -> None:
        lines = self.text.splitlines(keepends=True)
        start = sum(len(line) for line in lines[: node.lineno - 1])
        found = re.compile(r"\{[{%]").search(self.text, start)
        hint = "A body takes {{ parameter }}, {% for x in parameter %} and {% if %}."
        offset = found.start() if found else start
        raise TemplateFault("template", message, hint, offset, 2)

    def _refuse_quoted_placeholders(self) -> None:
        open_at, opened, inside = 0, "", ""
        for piece in self._pieces:
            if piece.placeholder:
                if opened:
                    inside = inside or piece.text
                continue
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


_QUOTES = re.compile(r"\\.|''|\"\"|``|'|\"|`|--|/\*|\*/|\n", re.DOTALL)


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


def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(
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
    """A template with blocks, its text marked with where it stands."""
    template = parse(text)
    tree = template.environment.parse(text)
    texts = (piece for piece in template.pieces if not piece.placeholder)
    for node, piece in zip(tree.find_all(nodes.TemplateData), texts, strict=False):
        node.data = _marked(piece, replacements)
    for loop in tree.find_all(nodes.For):
        # Jinja gives control back only where there is output: a mark makes an
        # empty loop countable.
        loop.body.insert(0, nodes.Output([nodes.TemplateData(_MARK * 2)]))
    environment = template.environment
    code = environment.compile(tree)
    return JinjaTemplate.from_code(environment, code, {})


def _mark(offset: int, replaced: str = "") -> str:
    return f"{_MARK}{replaced}{offset}{_MARK}"


def _marked(piece: Piece, replacements: tuple[tuple[tuple[int, int], str], ...]) -> str:
    """A text piece with marks, names in it replaced."""
    parts, position = [_mark(piece.offset)], piece.offset
    stop = piece.offset + len(piece.text)
    for (start, end), instead in replacements:
        if piece.offset <= start and end <= stop:
            before = piece.text[position - piece.offset : start - piece.offset]
            parts += [before, _mark(start, "="), instead, _mark(end)]
            position = end
    return "".join([*parts, piece.text[position - piece.offset :]])


def _collect(body: str, chunks: Iterator[str]) -> Rendered:
    """Put chunks together, take the marks out, and stop what has no end."""
    began, length, texts = time.monotonic(), 0, []
    for steps, chunk in enumerate(chunks):
        length += len(chunk)
        texts.append(chunk)
        too_long = time.monotonic() - began > LONGEST_TIME
        if length > LONGEST_OUTPUT or steps > MOST_STEPS or too_long:
            message = "rendering gives or takes too much"
            hint = f"At most {LONGEST_OUTPUT:,} characters in {LONGEST_TIME:.0f} s."
            raise TemplateFault("template-limit", message, hint, 0, len(body))
    pieces = _MARKS.split("".join(texts))
    result: list[str] = []
    starts: list[int] = []
    origins: list[int] = []
    replaced: set[int] = set()
    size = 0
    for index, piece in enumerate(pieces):
        if index % 2:
            if piece:
                if piece.startswith("="):
                    replaced.add(len(starts))
                starts.append(size)
                origins.append(int(piece.lstrip("=")))
        else:
            result.append(piece)
            size += len(piece)
    text = "".join(result)
    return Rendered(text, tuple(starts), tuple(origins), frozenset(replaced))


def _raw(value: object) -> object:
    return value.raw if isinstance(value, Value) else value


def _is_loop(node: nodes.Getattr) -> bool:
    inner = node.node
    return (
        isinstance(inner, nodes.Name)
        and inner.name == "loop"
        and node.attr in ("first", "last", "index", "index0", "length")
    )


def _free_names(tree: nodes.Template) -> set[str]:
    from jinja2.meta import find_undeclared_variables

    return find_undeclared_variables(tree)
