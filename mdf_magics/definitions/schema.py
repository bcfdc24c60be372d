"""JSON Schemas of the definition files, for editors and docs/definitions.md.

They are made from the models. What pydantic can't know is added: descriptions, which
stand below the models' fields; `for_each` and `defaults`; references `${...}` where no
text stands; and the fields of Databricks' APIs.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any, get_args

from mdf_magics.definitions import models
from mdf_magics.definitions.api_fields import KINDS, api_types

type Schema = dict[str, Any]

REFERENCE: Schema = {
    "type": "string",
    "pattern": r"^\$\{[^{}]+\}$",
    "patternErrorMessage": "As text, only a reference such as ${var.x} may stand here.",
}
"""The message is VS Code's own keyword; others pass over it."""

PLATFORM_REFERENCE: Schema = {
    **REFERENCE,
    "pattern": r"^(\$\{[^{}]+\}|\{\{[^{}]+\}\})$",
}
"""Also a reference of Databricks', such as `{{job.parameters.x}}`."""

FOR_EACH = (
    "Makes a table for each item: lists that are walked side by side, or a list of "
    "mappings. `${each.x}` is an item's value, in the name too: "
    "`{what: [planes, crews]}`."
)
DEFAULTS = (
    "What all tables of this file have unless they say otherwise. `arguments`, `tags` "
    "and `columns` merge by key; everything else is replaced. A body of its own "
    "cancels an inherited transformation."
)


def project_schema() -> Schema:
    """The schema of `definitions/mdf.yml`."""
    schema, definitions = _of_model(models.Project)
    for one in (schema, definitions["Group"], definitions["Orchestrate"]):
        _take_api_fields(one)
    return _file("the project", schema, {**definitions, **_api_definitions(KINDS)})


def tables_schema() -> Schema:
    """The schema of the files in `definitions/tables`."""
    schema, definitions = _of_model(models.Table)
    _take_api_fields(schema)
    keys = schema["properties"]
    keys["parameters"] |= {"additionalProperties": _own_parameter()}
    keys["for_each"] = {
        "description": FOR_EACH,
        "anyOf": [
            {
                "type": "object",
                "additionalProperties": _or_reference("array", REFERENCE),
            },
            {"type": "array", "items": {"type": "object"}},
            REFERENCE,
        ],
    }
    schema["properties"] = {name: _referable(one) for name, one in keys.items()}
    own = {"name", "for_each", *models.BODY_KEYS}
    defaults = {
        "type": "object",
        "description": DEFAULTS,
        "additionalProperties": False,
        "properties": {
            name: {"$ref": f"#/$defs/Table/properties/{name}"}
            for name in keys
            if name not in own
        },
    }
    file = {
        "type": "object",
        "additionalProperties": False,
        "required": ["tables"],
        "properties": {
            "defaults": {"$ref": "#/$defs/Defaults"},
            "tables": {
                "type": "array",
                "description": "The tables of this file.",
                "items": {"$ref": "#/$defs/Table"},
            },
        },
    }
    return _file(
        "tables",
        file,
        {
            **{name: _referable(one) for name, one in definitions.items()},
            **_api_definitions(["task"]),
            "Table": schema,
            "Defaults": defaults,
        },
    )


def transformations_schema() -> Schema:
    """The schema of the files in `definitions/transformations`."""
    schema, _ = _of_model(models.Transformation)
    declaration, definitions = _of_model(models.ParameterDeclaration)
    types = declaration["properties"]["type"]
    schema["properties"]["parameters"]["additionalProperties"] = {
        "anyOf": [types, {"$ref": "#/$defs/ParameterDeclaration"}]
    }
    several = {
        "type": "array",
        "description": "Several transformations in one file.",
        "items": {"$ref": "#/$defs/Transformation"},
    }
    file = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{
                name: {"$ref": f"#/$defs/Transformation/properties/{name}"}
                for name in schema["properties"]
            },
            "transformations": several,
        },
        "anyOf": [{"required": ["name"]}, {"required": ["transformations"]}],
    }
    own = {"Transformation": schema, "ParameterDeclaration": declaration}
    return _file("a transformation, or several", file, {**definitions, **own})


def schemas() -> dict[str, Schema]:
    """All schemas by the name of their file."""
    return {
        "project": project_schema(),
        "tables": tables_schema(),
        "transformations": transformations_schema(),
    }


def _of_model(model: type[models.Model]) -> tuple[Schema, dict[str, Schema]]:
    """A model's schema, and those of the models inside it."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    described = {
        name: _described(name, _plain(one))
        for name, one in definitions.items()
        if name not in _OPEN
    }
    return _described(model.__name__, _plain(schema)), described


_OPEN: dict[str, Schema] = {
    "Api": {"type": "object"},
    "Variables": {"type": "object"},
}
"""What pydantic gives a name although anything may stand there."""


def _plain(schema: Schema) -> Schema:
    """A schema of pydantic's without titles, nulls and empty defaults."""
    if (name := schema.get("$ref", "").rpartition("/")[2]) in _OPEN:
        schema = {key: one for key, one in schema.items() if key != "$ref"}
        schema |= _OPEN[name]
    options = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(options) == 1:
        schema = {**schema, **options[0]}
        del schema["anyOf"]
    result: Schema = {}
    for key, value in schema.items():
        if key == "title" or (key == "default" and not isinstance(value, str | int)):
            continue
        if key == "properties":
            result[key] = {name: _plain(one) for name, one in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = _plain(value)
        elif key == "anyOf":
            result[key] = [_plain(one) for one in options]
        else:
            result[key] = value
    return result


def _described(model: str, schema: Schema) -> Schema:
    """The schema with the strings that stand below the model's fields."""
    for name, text in _field_texts()[model].items():
        if name in schema["properties"]:
            schema["properties"][name]["description"] = text
    return schema


@cache
def _field_texts() -> dict[str, dict[str, str]]:
    """Per model the string below each of its fields."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(models)).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                field.target.id.rstrip("_"): " ".join(text.value.value.split())
                for field, text in pairwise(node.body)
                if isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            }
    return found


def _take_api_fields(schema: Schema) -> None:
    """Point `job`, `pipeline` and `task` to the fields of their APIs."""
    for kind in KINDS:
        if kind in schema["properties"]:
            text = schema["properties"][kind]["description"]
            schema["properties"][kind] = {
                "$ref": f"#/$defs/{kind}",
                "description": text,
            }


def _own_parameter() -> Schema:
    """A value of a table's own body, with or without its type."""
    types = list(get_args(models.ParameterType))
    typed = {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "value"],
        "properties": {
            "type": {"enum": types, "description": "Its type, as in transformations."},
            "value": {"description": "Its value."},
        },
    }
    return {"anyOf": [{"type": ["string", "number", "boolean", "array"]}, typed]}


def _referable(schema: Schema) -> Schema:
    """The schema, which also takes one reference where no text is asked for."""
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {
            name: _referable(one) for name, one in schema["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = _referable(schema[key])
    if "enum" in result:
        options = {key: result.pop(key) for key in ("enum", "type") if key in result}
        result["anyOf"] = [options, REFERENCE]
    elif "anyOf" in result:
        if REFERENCE not in result["anyOf"]:
            result["anyOf"] = [*result["anyOf"], REFERENCE]
    elif isinstance(result.get("type"), str) and result["type"] != "string":
        result |= _or_reference(result["type"], REFERENCE)
    return result


def _api_definitions(kinds: Iterable[str]) -> dict[str, Schema]:
    """The fields of Databricks' APIs, with all types that they consist of."""
    found: dict[str, Schema] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if (name := _api_name(kind)) not in found:
            found[name], inside = _api_definition(kind)
            waiting += inside
    return dict(sorted(found.items()))


def _api_definition(kind: str) -> tuple[Schema, Iterable[str]]:
    """A type of api_fields.json as a schema, and the types in it."""
    if kind == "str":
        return {"type": "string"}, ()
    if kind in _API_SCALARS:
        return _or_reference(_API_SCALARS[kind], PLATFORM_REFERENCE), ()
    inside = kind[1:-1]
    if kind[0] == "[":
        return _or_reference("array", REFERENCE, items=_api_reference(inside)), [inside]
    if kind[0] == "{":
        values = _api_reference(inside)
        return _or_reference("object", REFERENCE, additionalProperties=values), [inside]
    fields = api_types()[kind]
    if isinstance(fields, list):
        return {"anyOf": [{"enum": fields}, PLATFORM_REFERENCE]}, ()
    keys = {name: _api_reference(one) for name, one in fields.items()}
    schema = _or_reference("object", REFERENCE, additionalProperties=False)
    return {**schema, "properties": keys}, fields.values()


_API_SCALARS = {"int": "integer", "float": "number", "bool": "boolean"}


def _api_reference(kind: str) -> Schema:
    return {"$ref": f"#/$defs/{_api_name(kind)}"}


def _api_name(kind: str) -> str:
    """`list.jobs.Webhook` for `[jobs.Webhook]`, `map.str` for `{str}`."""
    return kind.replace("[", "list.").replace("{", "map.").rstrip("]}")


def _or_reference(kind: str, reference: Schema, **more: Any) -> Schema:
    return {**reference, "type": [kind, "string"], **more}


def _file(what: str, schema: Schema, definitions: dict[str, Schema]) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mdf_magics: {what}",
        **schema,
        "$defs": definitions,
    }
