"""Which HTML a result has. Each kind of result registers its own."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from mdf_magics.notebook.html.elements import page, preformatted


@singledispatch
def render(result: Any) -> str:
    """A result as HTML; by default its text."""
    return page(preformatted(result.text()))
