"""Pages of help, made from the table of verbs."""

from __future__ import annotations

from typing import Literal

from mdf_magics.commands import VERBS, Verb


def usage(one: Verb, face: Literal["command", "magic"] = "magic") -> str:
    """One page of help."""
    lines = [one.summary, "", f"    {synopsis(one, face)}", ""]
    rows = [(one.name.upper(), one.help) for one in one.arguments]
    for option in one.options_of(face):
        value = f" {option.value}" if option.value else ""
        rows.append((f"--{option.name}{value}", option.help))
    width = max((len(name) for name, _ in rows), default=0)
    lines += [f"    {name:<{width}}  {text}" for name, text in rows]
    if one.details:
        lines += ["", one.details]
    if one.example:
        lines += ["", "Example:", ""]
        example = one.example
        if face == "command":
            example = one.command_example or example.replace("%mdf_", "mdf ")
        lines += [f"    {line}" for line in example.splitlines()]
    return "\n".join(lines)


def synopsis(one: Verb, face: Literal["command", "magic"]) -> str:
    """How it is written, in one line."""
    marks = "%%" if one.face in ("cell", "both") else "%"
    words = [f"{marks}{one.magic}" if face == "magic" else f"mdf {one.name}"]
    for argument in one.arguments:
        name = argument.name.upper() + ("..." if argument.many else "")
        words.append(name if argument.required else f"[{name}]")
    return " ".join([*words, "[options]"])


def overview() -> str:
    """All verbs with their summaries."""
    rows = []
    for one in VERBS:
        marks = {"cell": "%%", "both": "%%", "line": "%", "command": ""}[one.face]
        magic = f"{marks}{one.magic}" if marks else ""
        rows.append((magic, f"mdf {one.name}" if one.command else "", one.summary))
    widths = [max(len(row[index]) for row in rows) for index in (0, 1)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
    return "\n".join([*lines, "", "One page:  %mdf_help preview  or  %mdf_preview?"])
