"""Writes what is generated in docs/: tables of keys, and pages of magics and commands.

Run it after a change of mdf_magics/definitions/models.py or mdf_magics/commands.py; a
test fails until then. What stands between `<!-- begin X -->` and `<!-- end -->` is X of
the schemas as a table, or the verbs; the rest is written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from mdf_magics.command_help import synopsis, usage
from mdf_magics.commands import VERBS
from mdf_magics.definitions.api_fields import FILLED, KINDS, filled
from mdf_magics.definitions.schema import REFERENCE, Schema, schemas

DOCS = Path(__file__).parents[1] / "docs"
PAGES = (DOCS / "definitions.md", DOCS / "commands.md")

_REGION = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

_SECTIONS = {
    "Target": "targets",
    "State": "state",
    "RunAs": "run_as",
    "Group": "groups",
    "Schedule": "schedule",
    "Permission": "permissions",
    "Orchestrate": "orchestrate",
    "Table": "tables",
    "Defaults": "tables",
    "Expectation": "expectations",
    "ColumnSettings": "columns",
    "Transformation": "transformations",
    "ParameterDeclaration": "parameters",
}
"""The heading of each model's table."""


def page(text: str) -> str:
    """The page with its tables as the schemas are now."""
    return _REGION.sub(lambda found: found[1] + _region(found[2]) + found[3], text)


def _region(name: str) -> str:
    if name == "verbs":
        return _verbs()
    if name == "filled":
        return _filled()
    files = schemas()
    models = {"Project": files["project"], **files}
    for file in files.values():
        models |= file["$defs"]
    schema = models[name]
    if name == "transformations":
        keys = schema["properties"]
        schema = {"properties": {name: keys[name]}}
    rows = [
        _row(key, one, models, required=key in schema.get("required", ()))
        for key, one in schema["properties"].items()
    ]
    head = ["| key | type | default | what for |", "| --- | --- | --- | --- |"]
    intro = [f"{schema['description']}\n"] if "description" in schema else []
    return "\n".join(["", *intro, *head, *rows, "", ""])


def _verbs() -> str:
    sections = []
    for one in VERBS:
        faces: list[Literal["magic", "command"]] = []
        faces += ["magic"] if one.face != "command" else []
        faces += ["command"] if one.command else []
        title = f"mdf_{one.name}" if "magic" in faces else f"mdf {one.name}"
        text = usage(one, faces[0])
        if len(faces) > 1:
            text += f"\n\nIn a terminal:  {synopsis(one, 'command')}"
        sections.append(f"### {title}\n\n```text\n{text}\n```\n")
    return "\n".join(["", *sections, ""])


def _row(key: str, schema: Schema, models: dict[str, Schema], *, required: bool) -> str:
    default = f"`{_word(schema['default'])}`" if "default" in schema else ""
    if required:
        default = "required"
    text = schema.get("description")
    if text is None:
        text = models[schema["$ref"].rpartition("/")[2]]["description"]
    cells = [f"`{key}`", _type(schema), default, text]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(schema: Schema) -> str:
    """A type in words; that a reference may stand there too is said once."""
    if "$ref" in schema:
        return _referred(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        options = [_type(one) for one in schema["anyOf"] if one != REFERENCE]
        return " or ".join(dict.fromkeys(options))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{_word(schema['const'])}`"
    kinds = schema.get("type", "anything")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if len(kinds) > 2 and kind != kinds:
        return "value"
    if kind == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    if kind == "object":
        inside = schema.get("additionalProperties")
        return f"mapping of {_type(inside)}" if isinstance(inside, dict) else "mapping"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return words.get(kind, kind)


def _referred(name: str) -> str:
    if name in KINDS:
        return "[fields](#fields-of-databricks-apis)"
    return f"[{_SECTIONS[name]}](#{_SECTIONS[name]})"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else '""'


def _filled() -> str:
    rows = [
        f"| `{kind}` | `{field}` | {_marked(instead)} |"
        for kind, fields in FILLED.items()
        for field, instead in fields.items()
    ]
    rows.append(f"| `task` | `..._task` | {filled('task', 'notebook_task')} |")
    rows.append("| `job`, `pipeline` | tags `mdf_...` | They tell what is ours. |")
    return "\n".join(
        ["", "| in | field | instead |", "| --- | --- | --- |", *rows, "", ""]
    )


def _marked(hint: str) -> str:
    """A hint, whose code is set off by two blanks, in Markdown."""
    return re.sub(r"  (\S.*?)(?:  | (\.))", r" `\1`\2 ", hint).strip()


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
