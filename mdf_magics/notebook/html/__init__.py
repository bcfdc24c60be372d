"""Results as HTML: one small design, colours from where it is shown.

There is no script and nothing is loaded. Everything is escaped: table data is hostile.
"""

from mdf_magics.notebook.html import (  # they register
    definitions,
    deploys,
    previews,
    states,
    testing,
)
from mdf_magics.notebook.html.rendering import render

__all__ = ["definitions", "deploys", "previews", "render", "states", "testing"]
