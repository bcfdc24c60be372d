"""Starts a project, and changes where the one that is there puts its tables."""

from __future__ import annotations

import re
from pathlib import Path

from mdf_magics.definitions.editors import write_schemas
from mdf_magics.definitions.loading import PROJECT_FILE
from mdf_magics.definitions.names import word_fault
from mdf_magics.definitions.reading import read_document
from mdf_magics.definitions.setting import with_value
from mdf_magics.definitions.storing import Change, local_folder, locked, write
from mdf_magics.errors import Source


def start(
    folder: Path,
    catalog: str | None = None,
    schema_prefix: str | None = None,
    *,
    on_databricks: bool = False,
) -> str:
    """Write `definitions/mdf.yml` with a target whose engine runs here.

    In a Databricks notebook that is the workspace: each developer has tables of their
    own, and state is in a schema, as the driver's disk goes away.

    Editors are told what may stand in definitions (`editors.write_schemas`).

    Args:
        folder: Where; the project is named after it.
        catalog: Catalog of the tables; default `main`.
        schema_prefix: Put before the name of each schema.
        on_databricks: Whether this is a Databricks notebook.

    Returns:
        What was done, as a sentence.
    """
    name = project_name(folder)
    target, engine = ("dev", "databricks") if on_databricks else ("local", "embedded")
    settings = [f"engine: {engine}", f"catalog: {catalog or 'main'}"]
    if on_databricks:
        schema_prefix = schema_prefix or '"${user}_"'
    if schema_prefix:
        settings.append(f"schema_prefix: {schema_prefix}")
    if on_databricks:
        settings += ["mode: development", "state: {schema: mdf}"]

    text = (
        f"project: {name}\n"
        f"default_target: {target}\n"
        "targets:\n"
        f"  {target}: {{{', '.join(settings)}}}\n"
    )
    write(folder, [Change(PROJECT_FILE, None, text)])
    local_folder(folder)
    said = f"{PROJECT_FILE} written: project {name}, target {target} ({engine})"
    return "; ".join(filter(None, [said, write_schemas(folder)]))


def retarget(
    root: Path, target: str, catalog: str | None, schema_prefix: str | None
) -> str:
    """Change catalog and schema prefix of a target; everything else stays.

    Returns:
        What was done, as a sentence. Nothing given: nothing is changed.
    """
    wanted = {"catalog": catalog, "schema_prefix": schema_prefix}
    given = {key: value for key, value in wanted.items() if value is not None}
    if not given:
        return f"there is a project here already, with the target {target}"
    with locked(root):
        before = (root / PROJECT_FILE).read_text(encoding="utf-8")
        after = before
        for key, value in given.items():
            document = read_document(Source(PROJECT_FILE, after))
            after = with_value(document, ("targets", target), key, value)
        write(root, [Change(PROJECT_FILE, before, after)])
    said = ", ".join(f"{key} {value}" for key, value in given.items())
    return f"{PROJECT_FILE}: target {target} has {said}"


def project_name(folder: Path) -> str:
    """A folder's name as a project's name: `My Project 2` is `my_project_2`."""
    name = re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")
    name = re.sub(r"^[^a-z]+", "", name)[:60].strip("_")
    return name if name and not word_fault(name) else "project"
