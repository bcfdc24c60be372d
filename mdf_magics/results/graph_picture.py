"""Draws boxes and arrows as SVG: layers from left to right, few crossings.

No script, no fixed background: text and lines take the colour of what is around them,
so light, dark and high contrast come out right. What rests under the pointer is told by
`<title>`. Where the environment drops SVG, its text twin is all there is.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_HEIGHT, _GAP, _ACROSS, _EDGE = 38, 12, 56, 6
"""Of a box; between boxes above each other; between layers; around the picture."""

_CHARACTER, _SMALL = 7.0, 6.0
"""Widths of a character of a name and of what stands below it, on the safe side."""

_LONGEST = 44
"""Characters of a name that are drawn; the pointer shows the rest."""

_SWEEPS = 6
"""Passes that bring the boxes of a layer near what they are joined to."""

_HUES = {"job": "#3b82f6", "pipeline": "#a855f7"}

_STATES = {"succeeded": "#13a13f", "failed": "#e5202c", "upstream_failed": "#c98300"}


@dataclass(frozen=True)
class Box:
    """What is drawn for one node."""

    name: str
    said: str
    """Smaller, below the name."""
    title: str
    kind: str
    """`job`, `pipeline`, or anything else for what isn't ours: drawn with dashes."""
    status: str = ""


@dataclass(frozen=True)
class _Place:
    x: float
    y: float
    width: float


def picture(boxes: Sequence[Box], edges: Iterable[tuple[str, str]]) -> str:
    """An SVG of boxes and of arrows between them.

    Args:
        boxes: Each name once.
        edges: From a name to a name; without a circle.
    """
    known = {box.name: box for box in boxes}
    edges = [edge for edge in edges if edge[0] in known and edge[1] in known]
    layers = _ordered(_layers(known, edges), edges)
    places = _places(layers, known)
    width = max((one.x + one.width for one in places.values()), default=0) + _EDGE
    height = max((one.y + _HEIGHT for one in places.values()), default=0) + _EDGE
    drawn = [_arrow(places[start], places[end]) for start, end in edges]
    drawn += [_box(box, places[box.name]) for box in boxes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="system-ui, sans-serif" '
        f'fill="currentColor" stroke="none">{"".join(drawn)}</svg>'
    )


def _layers(names: Iterable[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The names by the longest way that leads to them; what starts stands close."""
    upstream: dict[str, list[str]] = {name: [] for name in names}
    readers: dict[str, list[str]] = {name: [] for name in upstream}
    for start, end in edges:
        upstream[end].append(start)
        readers[start].append(end)
    depth: dict[str, int] = {}
    waiting = {name: len(needs) for name, needs in upstream.items()}
    ready = [name for name, needs in waiting.items() if not needs]
    while ready:
        name = ready.pop()
        depth[name] = max((depth[one] + 1 for one in upstream[name]), default=0)
        for reader in readers[name]:
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    for name in depth:
        if not upstream[name] and readers[name]:
            depth[name] = min(depth.get(one, 1) for one in readers[name]) - 1
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in upstream:
        layers[depth.get(name, 0)].append(name)
    return layers


def _ordered(
    layers: list[list[str]], edges: Sequence[tuple[str, str]]
) -> list[list[str]]:
    """Each layer sorted by the middle of what its boxes are joined to (Sugiyama)."""
    joined: dict[str, list[str]] = {}
    for start, end in edges:
        joined.setdefault(start, []).append(end)
        joined.setdefault(end, []).append(start)
    at = {name: float(i) for layer in layers for i, name in enumerate(layer)}
    depth = {name: number for number, layer in enumerate(layers) for name in layer}
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for layer in layers if forward else reversed(layers):
            middle = {}
            for name in layer:
                beside = [
                    at[one] / max(1, len(layers[depth[one]]) - 1)
                    for one in joined.get(name, ())
                    if (depth[one] < depth[name]) == forward
                ]
                own = at[name] / max(1, len(layer) - 1)
                middle[name] = sum(beside) / len(beside) if beside else own
            layer.sort(key=lambda name, middle=middle: (middle[name], at[name]))  # type: ignore[misc]
            at.update({name: float(index) for index, name in enumerate(layer)})
    return layers


def _places(
    layers: Sequence[Sequence[str]], known: Mapping[str, Box]
) -> dict[str, _Place]:
    """Where each box stands; every layer is centred."""
    tallest = max((len(layer) for layer in layers), default=0)
    found: dict[str, _Place] = {}
    x = float(_EDGE)
    for layer in layers:
        width = max(_width(known[name]) for name in layer)
        y = _EDGE + (tallest - len(layer)) * (_HEIGHT + _GAP) / 2
        for name in layer:
            found[name] = _Place(x, y, width)
            y += _HEIGHT + _GAP
        x += width + _ACROSS
    return found


def _width(box: Box) -> float:
    name = len(_short(box.name)) * _CHARACTER
    return max(name, len(_short(box.said)) * _SMALL) + 28


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}"


def _arrow(start: _Place, end: _Place) -> str:
    x1, y1 = start.x + start.width, start.y + _HEIGHT / 2
    x2, y2 = end.x, end.y + _HEIGHT / 2
    bend = max(24.0, (x2 - x1) / 2)
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} '
        f'{y2:.1f} {x2:.1f} {y2:.1f}" fill="none" stroke="currentColor" '
        f'stroke-opacity=".35"/><path d="M{x2 - 5:.1f} {y2 - 3:.1f}L{x2:.1f} {y2:.1f}'
        f'L{x2 - 5:.1f} {y2 + 3:.1f}" fill="none" stroke="currentColor" '
        f'stroke-opacity=".55"/>'
    )


def _box(box: Box, at: _Place) -> str:
    hue = _HUES.get(box.kind)
    dashes = "" if hue else ' stroke-dasharray="4 3"'
    bar = (
        f'<rect x="{at.x}" y="{at.y}" width="4" height="{_HEIGHT}" rx="2" '
        f'fill="{hue}"/>'
        if hue
        else ""
    )
    state = _STATES.get(box.status)
    dot = (
        f'<circle cx="{at.x + at.width - 10:.1f}" cy="{at.y + 11}" r="4" '
        f'fill="{state}"/>'
        if state
        else ""
    )
    return (
        f"<g><title>{html.escape(box.title)}</title>"
        f'<rect x="{at.x}" y="{at.y}" width="{at.width:.1f}" height="{_HEIGHT}" rx="4" '
        f'fill="{hue or "currentColor"}" fill-opacity="{0.1 if hue else 0.03}" '
        f'stroke="currentColor" stroke-opacity=".35"{dashes}/>{bar}'
        f'<text x="{at.x + 12}" y="{at.y + 16}" font-size="12.5">'
        f"{html.escape(_short(box.name))}</text>"
        f'<text x="{at.x + 12}" y="{at.y + 30}" font-size="10.5" opacity=".7">'
        f"{html.escape(_short(box.said))}</text>{dot}</g>"
    )
