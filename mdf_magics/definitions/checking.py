"""Checks plain values against the model; every violation becomes a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from mdf_magics.errors import Place, Problem, closest, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

type Locate = Callable[[tuple[str | int, ...], bool], Place]
"""Gives the place of the value at a path, or (second argument true) of its key."""


def checked[M: BaseModel](
    model: type[M], value: Any, locate: Locate
) -> tuple[M | None, list[Problem]]:
    """Check a plain value against a model.

    Args:
        model: The model.
        value: What was read.
        locate: Where each part of the value stands.

    Returns:
        The instance, or None with the problems that prevent it.
    """
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = [_problem(model, detail, locate) for detail in details]
    return None, list(dict.fromkeys(problems))


def _problem(model: type[BaseModel], detail: ErrorDetails, locate: Locate) -> Problem:
    path = tuple(detail["loc"])
    name = str(path[-1]) if path else ""
    if detail["type"] == "extra_forbidden":
        keys = _keys_at(model, path[:-1])
        message = f'there is no key "{name}" here'
        return Problem(
            "unknown-key",
            message,
            did_you_mean(name, keys, limit=40),
            locate(path, True),
        )
    if detail["type"] == "missing":
        message = f'the key "{name}" is missing'
        return Problem(
            "missing-key", message, f"Add  {name}: ...", locate(path[:-1], False)
        )
    message = f"{_dotted(path) or 'this'} {_expected(detail)}"
    hint = _hint(detail)
    return Problem("wrong-type", message, hint, locate(path, False))


def _expected(detail: ErrorDetails) -> str:
    """What was expected and what is there, in words instead of pydantic's."""
    context = detail.get("ctx") or {}
    found = _shown(detail["input"])
    words = {
        "string_type": "must be text",
        "bool_type": "must be true or false",
        "int_type": "must be a whole number",
        "float_type": "must be a number",
        "list_type": "must be a list",
        "dict_type": "must be a mapping",
        "model_type": "must be a mapping",
        "greater_than": f"must be greater than {context.get('gt')}",
        "greater_than_equal": f"must be at least {context.get('ge')}",
    }
    if detail["type"] == "literal_error":
        options = str(context["expected"]).replace("'", "")
        return f"must be {options}, not {found}"
    expected = words.get(detail["type"]) or detail["msg"].lower()
    if isinstance(detail["input"], str):
        found = f'"{found}"'
    return f"{expected}, not {found}"


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _hint(detail: ErrorDetails) -> str:
    value = detail["input"]
    if detail["type"] == "literal_error":
        options = str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")
        near = closest(str(value), [option.strip("'") for option in options])
        return f'Did you mean "{near}"?' if near else ""
    if detail["type"] == "string_type" and not isinstance(value, dict | list):
        if value is None:
            return "Write a value, or leave the key out."
        return f'Write it in quotes:  "{_shown(value)}"'
    if detail["type"] == "list_type" and isinstance(value, str):
        return f"Write it as a list:  [{value}]"
    return ""


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in path)


def _keys_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that the model at `path` inside `model` has."""
    current: Any = model
    for step in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = _fields(current).get(str(step))
            current = field.annotation if field else None
        current = _innermost(current)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(_fields(current))
    return []


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _innermost(annotation: Any) -> Any:
    """The model inside `list[M]`, `dict[str, M]` or `M | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _innermost(argument)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return annotation
