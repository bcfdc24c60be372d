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
    import yaml

    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        name = value.get("default_target", "local")
        engine = value["targets"][name]["engine"]
        return f"project {value['project']} · target {name} · engine {engine}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return f"{path} has problems: %mdf_validate shows them"
