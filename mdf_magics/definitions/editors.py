"""Tells editors what may stand in definition files.

The schemas are written to `definitions/.schema` and committed, not to `.mdf`: whoever
clones the project has completion without having run anything. Nothing reads them but
editors, so one that is older than the installed version does no harm.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mdf_magics.definitions.files import FOLDER
from mdf_magics.definitions.loading import PROJECT_FILE
from mdf_magics.definitions.schema import schemas
from mdf_magics.definitions.storing import write_file

SCHEMA_FOLDER = f"{FOLDER}/.schema"
SETTINGS_FILE = ".vscode/settings.json"

FILES = {
    "project": [PROJECT_FILE],
    "tables": [f"{FOLDER}/tables/**/*.yml", f"{FOLDER}/tables/**/*.yaml"],
    "transformations": [
        f"{FOLDER}/transformations/**/*.yml",
        f"{FOLDER}/transformations/**/*.yaml",
    ],
}
"""Which files each schema is for."""


def write_schemas(root: Path) -> str:
    """Write the schemas, and tell VS Code's YAML extension of them.

    Args:
        root: The project's root.

    Returns:
        What has to be done by hand, as a sentence; empty for nothing.
    """
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=1, ensure_ascii=False)
        write_file(root / SCHEMA_FOLDER / f"{name}.json", f"{text}\n")
    wanted = {f"./{SCHEMA_FOLDER}/{name}.json": paths for name, paths in FILES.items()}
    file = root / SETTINGS_FILE
    try:
        before = file.read_bytes().decode() if file.exists() else "{}\n"
        after = with_yaml_schemas(before, wanted)
        if after != before:
            write_file(file, after)
    except (TypeError, ValueError):
        return f"{SETTINGS_FILE} was left alone: it has comments or is no JSON"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return f"{SETTINGS_FILE} was left alone: {reason}"
    return ""


def with_yaml_schemas(text: str, wanted: dict[str, list[str]]) -> str:
    """VS Code's settings with `yaml.schemas` for our files, everything else as it is.

    Args:
        text: The settings.
        wanted: Which files each schema is for.

    Raises:
        ValueError: The settings are not plain JSON (VS Code allows comments), or not
            what settings are.
    """
    settings = json.loads(text)
    there = dict(settings).get("yaml.schemas", {})
    missing = {name: files for name, files in wanted.items() if name not in there}
    if not missing:
        return text
    expected = {**settings, "yaml.schemas": {**missing, **there}}
    added: dict[str, Any] = {"yaml.schemas": missing}
    starts, depth = re.finditer(r"\A\s*\{", text), 1
    if "yaml.schemas" in settings:
        added = missing
        starts, depth = re.finditer(r'"yaml\.schemas"\s*:\s*\{', text), 2
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    indent = found[1] if found else "  "
    lines = json.dumps(added, indent=indent).splitlines()[1:-1]
    newline = ("\r\n" if "\r\n" in text else "\n") + indent * (depth - 1)
    block = "".join(f"{newline}{line}" for line in lines)
    for start in starts:
        before, behind = text[: start.end()], text[start.end() :]
        if behind.lstrip()[0] == "}":
            result = f"{before}{block}{newline}{behind.lstrip()}"
        else:
            result = f"{before}{block},{behind}"
        if json.loads(result) == expected:
            return result
    raise ValueError("there is no place for yaml.schemas")
