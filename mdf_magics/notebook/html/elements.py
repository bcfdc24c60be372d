"""What outputs are put together from; each returns HTML of what it is given escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from mdf_magics.errors import Problem
from mdf_magics.notebook.html.style import STYLE, TONES


def page(*blocks: str) -> str:
    """A whole output: the style, and the blocks below each other."""
    return f'{STYLE}<div class="mdf">{"".join(blocks)}</div>'


def paragraph(text: str, kind: str = "") -> str:
    """A line of text; `soft`, `bad`, `good` or `note`."""
    name = f' class="{kind}"' if kind else ""
    return f"<p{name}>{html.escape(text)}</p>"


def preformatted(text: str) -> str:
    """Text whose lines and blanks matter."""
    return f"<pre>{html.escape(text)}</pre>"


def diff(text: str) -> str:
    """What files gain and lose. A single file's name stands elsewhere."""
    tones = {"+": "good", "-": "bad", "@": "soft"}
    several = text.count("\n+++ ") > 1
    lines = []
    for line in text.splitlines():
        if line.startswith("--- ") or (line.startswith("+++ ") and not several):
            continue
        tone = "soft" if line.startswith("+++ ") else tones.get(line[:1])
        told = html.escape(line)
        lines.append(f'<span class="{tone}">{told}</span>' if tone else told)
    return f"<pre>{'\n'.join(lines)}</pre>"


def folded(summary: str, inside: str, kind: str = "", *, is_open: bool = False) -> str:
    """A line that opens; coloured like a `paragraph`."""
    name = f' class="{kind}"' if kind else ""
    start = "<details open>" if is_open else "<details>"
    head = f"<summary{name}>{html.escape(summary)}</summary>"
    return f"{start}{head}{inside}</details>"


def grid(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    wrap: Sequence[int] = (),
) -> str:
    """A table of texts.

    Args:
        header: The columns' names; empty for none.
        rows: The cells.
        right: Columns that stand at the right.
        wrap: Columns of long texts, which are broken into lines.
    """
    head = "".join(
        f"<th{side(index in right)}>{html.escape(one)}</th>"
        for index, one in enumerate(header)
    )
    body = "".join(
        "<tr>"
        + "".join(
            _cell(one, right=index in right, wrap=index in wrap)
            for index, one in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    above = f"<thead><tr>{head}</tr></thead>" if header else ""
    return f"<table>{above}<tbody>{body}</tbody></table>"


def problem_block(problem: Problem) -> str:
    """A problem: its sentence, then where it is and what to do."""
    kind = "note" if problem.severity == "warning" else "bad"
    first, *rest = str(problem).splitlines()
    details = preformatted("\n".join(rest)) if rest else ""
    return paragraph(first, kind) + details


def side(right: bool) -> str:  # noqa: FBT001 (of one of many cells)
    """The attribute that puts a cell to the right or the left."""
    return f' style="text-align: {"right" if right else "left"}"'


def _cell(text: str, *, right: bool, wrap: bool) -> str:
    tone = TONES.get(text)
    told = html.escape(text)
    if tone:
        told = f'<span class="{tone}">{told}</span>'
    kind = ' class="wrap"' if wrap else ""
    return f"<td{kind}{side(right)}>{told}</td>"
