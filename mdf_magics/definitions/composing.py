"""Composes YAML nodes with PyYAML's C parser, within limits.

Nothing is ever constructed from a tag.
"""

from __future__ import annotations

from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml: slower, the same nodes
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

DEEPEST = 50
"""Levels of nesting. libyaml's composer ends the process beyond some thousands."""

MOST_NODES = 1_000_000
"""Values after aliases are followed, so that a few bytes can't expand without end."""

TOO_DEEP = f"values are nested deeper than {DEEPEST} levels"
TOO_MANY = f"there are more than {MOST_NODES:,} values, with those of aliases"


class Unbearable(yaml.MarkedYAMLError):
    """A text that nests too deeply or holds too much."""

    @property
    def code(self) -> str:
        """The problem's code."""
        return "too-deep" if self.problem == TOO_DEEP else "too-many-values"


def mark_at(text: str, index: int) -> yaml.Mark:
    """The mark of a character of a text."""
    column = index - (text.rfind("\n", 0, index) + 1)
    return yaml.Mark("", index, text.count("\n", 0, index), column, None, 0)


class _BoundedLoader(_Loader):
    """Stops composing where it would take the process with it.

    PyYAML calls `descend_resolver` before it composes a node, with the node's parent.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._count = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:  # noqa: ARG002
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST_NODES:
            said = TOO_DEEP if self._depth > DEEPEST else TOO_MANY
            raise Unbearable(problem=said, problem_mark=current_node.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


def compose(text: str) -> yaml.Node | None:
    """The nodes of a YAML text, without any check of what they say.

    Raises:
        yaml.YAMLError: It isn't one YAML document, or is too deep or too large.
    """
    loader = _BoundedLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def move(node: yaml.Node, lines: int, characters: int) -> None:
    """Let the marks of a node and of all inside it count from further up."""
    waiting, moved = [node], set()
    while waiting:
        one = waiting.pop()
        if id(one) in moved:
            continue
        moved.add(id(one))
        for end in ("start_mark", "end_mark"):
            mark = getattr(one, end)
            line, index = mark.line + lines, mark.index + characters
            setattr(one, end, yaml.Mark("", index, line, mark.column, None, 0))
        if isinstance(one, yaml.MappingNode):
            waiting += (part for pair in one.value for part in pair)
        elif isinstance(one, yaml.SequenceNode):
            waiting += one.value
