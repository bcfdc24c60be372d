"""IPython's matcher (API version 2) for our magics: they complete, nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from mdf_magics.notebook.completion.offer import NOTHING, Offer

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mdf_magics.notebook.completion.memory import Memory

_CELL = re.compile(r"\s*%%(mdf_table|mdf_tables|mdf_transformation)\b[ \t]*(\S*)")
_LINE = re.compile(r"\s*%%?mdf_\w+\s")


class Matcher:
    """Completes lines and cells of our magics in one shell."""

    def __init__(self, memory: Memory) -> None:
        """Offer what a memory knows."""

        @context_matcher(identifier="mdf_magics")  # type: ignore[untyped-decorator]
        def match(context: CompletionContext) -> SimpleMatcherResult:
            before = context.full_text.split("\n")[: context.cursor_line + 1]
            before[-1] = before[-1][: context.cursor_position]
            try:
                offer = offered(context.full_text, before, memory)
            except Exception:  # noqa: BLE001 (who types must not be disturbed)
                offer = NOTHING
            return SimpleMatcherResult(
                completions=[
                    SimpleCompletion(one, type="mdf") for one in offer.candidates
                ],
                matched_fragment=offer.word,
                suppress=bool(offer.candidates),
                ordered=True,
            )

        self._match = match

    def register(self, shell: InteractiveShell) -> None:
        """Complete from now on."""
        shell.Completer.custom_matchers.append(self._match)

    def unregister(self, shell: InteractiveShell) -> None:
        """Complete no more."""
        matchers = shell.Completer.custom_matchers
        if self._match in matchers:
            matchers.remove(self._match)


def offered(text: str, before: list[str], memory: Memory) -> Offer:
    """What may stand at a cursor.

    Args:
        text: The whole cell.
        before: Its lines up to the cursor.
        memory: The project's names.
    """
    if _LINE.match(before[-1]):
        from mdf_magics.notebook.completion.lines import line_offer

        return line_offer(before[-1], memory.vocabulary())
    lines = text.split("\n")
    first = next((number for number, one in enumerate(lines) if one.strip()), 0)
    found = _CELL.match(lines[first])
    if found is None or len(before) <= first + 1:
        return NOTHING
    from mdf_magics.notebook.completion.cells import CellText, cell_offer

    cell = CellText(found[1], found[2], before[first + 1 :], lines[first + 1 :])
    return cell_offer(cell, memory.vocabulary(), memory.columns)
