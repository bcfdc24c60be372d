"""Turns YAML nodes into plain values, and collects what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from mdf_magics.definitions import composing
from mdf_magics.definitions.composing import DEEPEST, TOO_DEEP, TOO_MANY
from mdf_magics.definitions.scalars import TAG, Misread, refuse_tag, scalar_value

type Pair = tuple[yaml.Node, yaml.Node]

_MERGE, _MAP, _LIST = f"{TAG}merge", f"{TAG}map", f"{TAG}seq"

_CASE_MATTERS = "spark_env_vars"
"""The one mapping in which `HTTP_PROXY` stands beside `http_proxy` for a reason."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a node."""

    code: str
    message: str
    hint: str
    node: yaml.Node


class Pairs:
    """Keys and values of mappings, with those that are merged into them."""

    def __init__(self) -> None:
        """Start with nothing worked out."""
        self._merged: dict[int, list[Pair]] = {}

    def __call__(self, node: yaml.MappingNode) -> list[Pair]:
        """Keys and values, those of merged mappings (`<<`) first and only once."""
        if not any(key.tag == _MERGE for key, _ in node.value):
            own: list[Pair] = node.value
            return own
        if id(node) not in self._merged:
            self._merged[id(node)] = []  # inside itself a mapping adds nothing
            known: dict[Any, Pair] = {}
            for key, value in node.value:
                if key.tag == _MERGE:
                    for one in reversed(_merges(value)):
                        known |= {
                            pair[0].value: pair
                            for pair in self(one)
                            if isinstance(pair[0], yaml.ScalarNode)
                        }
            own = [pair for pair in node.value if pair[0].tag != _MERGE]
            for key, _ in own:
                if isinstance(key, yaml.ScalarNode):
                    known.pop(key.value, None)
            self._merged[id(node)] = [*known.values(), *own]
        return self._merged[id(node)]


class Reader:
    """Turns one document's nodes into plain values."""

    def __init__(self, pairs: Pairs) -> None:
        """Start.

        Args:
            pairs: Gives a mapping's keys and values.
        """
        self.faults: list[Fault] = []
        self.count = 0
        """Values read, those of aliases each time."""
        self._pairs = pairs
        self._told: set[tuple[str, int]] = set()
        self._case_matters: set[int] = set()

    def plain(self, node: yaml.Node, depth: int = 0) -> Any:
        """The value of a node that stands so many levels deep."""
        self.count += 1
        if self.count > composing.MOST_NODES or depth > DEEPEST:
            return self._overflow(node, depth)
        try:
            if isinstance(node, yaml.ScalarNode):
                return scalar_value(node)
            refuse_tag(node, _MAP if isinstance(node, yaml.MappingNode) else _LIST)
        except Misread as fault:
            self._add(fault.code, str(fault), fault.hint, node)
            if isinstance(node, yaml.ScalarNode):
                return node.value
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, depth + 1) for item in node.value]
        if not isinstance(node, yaml.MappingNode):
            return None
        self._check_keys(node)
        return {
            key.value: self.plain(value, depth + 1)
            for key, value in self._pairs(node)
            # A key is a word: `on: ...` and `2013: ...` keep their text.
            if isinstance(key, yaml.ScalarNode)
        }

    def _check_keys(self, node: yaml.MappingNode) -> None:
        first: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                braces = isinstance(key, yaml.MappingNode) and key.flow_style
                hint = "A key is one word."
                if braces and node.flow_style:
                    key, hint = node, "A text that starts with { needs quotes."  # noqa: PLW2901
                self._add("bad-key", "a list or mapping can't be a key", hint, key)
            elif key.tag == _MERGE:
                named = value.value if isinstance(value, yaml.SequenceNode) else [value]
                if len(_merges(value)) < len(named):
                    hint = "Write  <<: *name  or  <<: [*one, *other] ."
                    message = "<< takes a mapping, or a list of mappings"
                    self._add("bad-merge", message, hint, value)
            else:
                word = key.value
                if word == _CASE_MATTERS:
                    self._case_matters.add(id(value))
                if id(node) not in self._case_matters:
                    word = word.lower()
                if first.setdefault(word, key) is not key:
                    self._add_twin(key, first[word])

    def _add_twin(self, key: yaml.ScalarNode, first: yaml.Node) -> None:
        line = first.start_mark.line + 1
        message = f'the key "{key.value}" is there already, in line {line}'
        if key.value != first.value:
            message += f' as "{first.value}": case makes no difference'
        self._add("duplicate-key", message, "Keep one of them.", key)

    def _overflow(self, node: yaml.Node, depth: int) -> None:
        if any(one.code in ("too-deep", "too-many-values") for one in self.faults):
            return
        if depth > DEEPEST:
            self._add("too-deep", TOO_DEEP, "No definition needs that.", node)
        else:
            self._add("too-many-values", TOO_MANY, "Write out what is meant.", node)

    def _add(self, code: str, message: str, hint: str, node: yaml.Node) -> None:
        # What an alias repeats is wrong once.
        if (code, id(node)) not in self._told:
            self._told.add((code, id(node)))
            self.faults.append(Fault(code, message, hint, node))


def _merges(value: yaml.Node) -> list[yaml.MappingNode]:
    """The mappings that the value of a `<<` names."""
    named = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return [one for one in named if isinstance(one, yaml.MappingNode)]
