"""A first look at the project, without the model: it must be quick."""

from __future__ import annotations

from pathlib import Path


def glance(folder: Path) -> str:
    """The project at or above a folder, its target and that target's engine."""
    for candidate in (folder, *folder.parents):
        path = candidate / "definitions" / "mdf.yml"
        if path.is_file():
            where = "" if candidate == folder else f" · in {candidate}"
            return _told(path) + where
    return "no project here yet: %mdf_init starts one"


def _told(path: Path) -> str:
    from mdf_magics.definitions.reading import read_document, read_text
    from mdf_magics.errors import Source

    text, _ = read_text(path, path.name)
    value = read_document(Source(path.name, text)).value
    try:
        name = value.get("default_target", "local")
        engine = value["targets"][name]["engine"]
        return f"project {value['project']} · target {name} · engine {engine}"
    except (KeyError, TypeError, AttributeError):
        return f"{path} has problems: %mdf_validate shows them"
