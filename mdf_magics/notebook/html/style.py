"""The look of every output.

Text takes the colour of its surroundings, lines are that colour made faint. Green, red
and yellow are those of the front end (JupyterLab's `--jp-*`, VS Code's `--vscode-*`;
elsewhere our own), mixed with the text's colour: so light, dark and high contrast come
out right without knowing which it is. No colour says what no word or sign says.

JupyterLab styles all tables itself (`.jp-RenderedHTMLCommon`): `.mdf.mdf.mdf` outdoes
it. It drops `<style>` from a notebook that isn't trusted, so what must hold even there
(which side a cell stands at, line breaks) is in the elements.
"""

from __future__ import annotations

_FAINT = "color-mix(in srgb, currentColor 22%, transparent)"
_HOVERED = "color-mix(in srgb, currentColor 7%, transparent)"


def _tone(of_lab: str, of_code: str, own: str) -> str:
    """A colour of the front end that can be read on white and on black."""
    colour = f"var(--jp-{of_lab}-color1, var(--vscode-charts-{of_code}, {own}))"
    return f"color-mix(in srgb, {colour} 70%, currentColor)"


STYLE = f"""<style>
.mdf {{font-size: 13px; line-height: 1.45; color: inherit; overflow-x: auto;
  padding-left: 5px;}}
.mdf.mdf.mdf p {{margin: 4px 0;}}
.mdf .soft {{opacity: .68;}}
.mdf .bad {{color: {_tone("error", "red", "#e5202c")};}}
.mdf .good {{color: {_tone("success", "green", "#13a13f")};}}
.mdf .note {{color: {_tone("warn", "yellow", "#c98300")};}}
.mdf.mdf.mdf table {{border-collapse: collapse; margin: 6px 0; font-size: 12.5px;
  font-variant-numeric: tabular-nums; color: inherit; background: none; border: 0;}}
.mdf.mdf.mdf thead, .mdf.mdf.mdf tr {{background: none;}}
.mdf.mdf.mdf tbody tr:hover {{background: {_HOVERED};}}
.mdf.mdf.mdf th, .mdf.mdf.mdf td {{padding: 3px 18px 3px 0; vertical-align: top;
  white-space: pre; border: 0; border-bottom: 1px solid {_FAINT}; line-height: 1.4;
  background: none; color: inherit; max-width: 420px; overflow: hidden;
  text-overflow: ellipsis;}}
.mdf.mdf.mdf th {{font-weight: 600; border-bottom: 1px solid currentColor;}}
.mdf.mdf.mdf td.wrap {{white-space: pre-wrap; max-width: 760px;}}
.mdf small {{font-size: 11px; font-weight: 400; opacity: .68;}}
.mdf .null {{opacity: .5; font-style: italic;}}
.mdf.mdf.mdf pre {{margin: 6px 0; padding: 2px 10px; border: 0;
  border-left: 2px solid {_FAINT}; background: none; color: inherit; white-space: pre;
  font-family: var(--jp-code-font-family, var(--vscode-editor-font-family, monospace));
  font-size: 12px; line-height: 1.4;}}
.mdf.mdf.mdf details {{margin: 4px 0;}}
.mdf summary {{cursor: pointer;}}
.mdf.mdf.mdf details pre {{white-space: pre-wrap; overflow-wrap: anywhere;}}
</style>"""

TONES = {
    "succeeded": "good",
    "passed": "good",
    "done": "good",
    "failed": "bad",
    "upstream_failed": "note",
    "blocked": "note",
    "cancelled": "note",
    "changed by hand": "note",
    "missing": "bad",
    "unfinished": "note",
}
"""How a status is coloured; the others aren't."""
