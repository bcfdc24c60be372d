"""Checks plain values against the model; every violation becomes a problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from mdf_magics.errors import Place, Problem, closest, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

type Path_ = tuple[str | int, ...]

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
    places: dict[Path_, list[ErrorDetails]] = {}
    for detail in _without_misspelt(details):
        places.setdefault(_path(detail, value), []).append(detail)
    return None, [
        _problem(model, path, same, locate)
        for path, same in places.items()
        # What fits none of several types is wrong inside the type it was meant for.
        if len(path) == len(same[0]["loc"])
        or not any(other[: len(path)] == path != other for other in places)
    ]


def _without_misspelt(details: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """The violations, but not that a key is missing which is only misspelt."""
    surplus: dict[tuple[str | int, ...], list[str]] = {}
    for one in details:
        if one["type"] == "extra_forbidden":
            *above, name = one["loc"]
            surplus.setdefault(tuple(above), []).append(str(name))
    for one in details:
        *above, name = one["loc"] or ("",)
        near = closest(str(name), surplus.get(tuple(above), []))
        if one["type"] != "missing" or near is None:
            yield one


def _path(detail: ErrorDetails, value: Any) -> Path_:
    """Where a violation is; pydantic adds which of several types it tried."""
    path: list[str | int] = []
    steps = detail["loc"]
    for number, step in enumerate(steps, 1):
        missing = detail["type"] == "missing" and number == len(steps)
        inside = step in value if isinstance(value, dict) else isinstance(step, int)
        if missing or inside:
            path.append(step)
            value = None if missing else value[step]
    return tuple(path)


def _problem(
    model: type[BaseModel], path: Path_, details: list[ErrorDetails], locate: Locate
) -> Problem:
    detail = details[0]
    name = str(path[-1]) if path else ""
    if detail["type"] == "extra_forbidden":
        keys = _keys_at(model, path[:-1])
        message = f'there is no key "{name}" here'
        hint = did_you_mean(name, keys, limit=40)
        if " " in name:
            hint = f"A text that holds a comma needs quotes here. {hint}"
        return Problem("unknown-key", message, hint, locate(path, True))
    if detail["type"] == "missing":
        message = f'the key "{name}" is missing'
        return Problem(
            "missing-key", message, f"Add  {name}: ...", locate(path[:-1], False)
        )
    dotted = ".".join(str(step) for step in path) or "this"
    expected = " or ".join(dict.fromkeys(map(_expected, details)))
    message = f"{dotted} must be {expected}, not {shown(detail['input'])}"
    return Problem("wrong-type", message, _hint(detail), locate(path, False))


def _expected(detail: ErrorDetails) -> str:
    """What a value must be, in words instead of pydantic's."""
    context = detail.get("ctx") or {}
    words = {
        "string_type": "text",
        "bool_type": "true or false",
        "int_type": "a whole number",
        "float_type": "a number",
        "list_type": "a list",
        "dict_type": "a mapping",
        "model_type": "a mapping",
        "greater_than": f"greater than {context.get('gt')}",
        "greater_than_equal": f"at least {context.get('ge')}",
        "literal_error": str(context.get("expected")).replace("'", ""),
    }
    return (words.get(detail["type"]) or detail["msg"].lower()).replace(
        "False", "false"
    )


def shown(value: Any) -> str:
    """A value in a message: a text in quotes, anything long only in part."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _hint(detail: ErrorDetails) -> str:
    value = detail["input"]
    if value is None:
        return "Write a value, or leave the key out."
    meant = {"bool_type": r"true|false", "int_type": r"[0-9]+"}.get(detail["type"])
    if isinstance(value, str) and meant and re.fullmatch(meant, value):
        return f"Write it without quotes:  {value}"
    if detail["type"] == "literal_error":
        options = str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")
        near = closest(str(value), [option.strip("'") for option in options])
        return f'Did you mean "{near}"?' if near else ""
    if detail["type"] == "string_type" and not isinstance(value, dict | list):
        return f'Write it in quotes:  "{shown(value)}"'
    if detail["type"] == "list_type" and isinstance(value, str):
        return f"Write it as a list:  [{value}]"
    return ""


def _keys_at(model: type[BaseModel], path: Path_) -> list[str]:
    """The keys that the model at `path` inside `model` has."""
    current: Any = model
    for step in path:
        inner = _model_in(current)
        if inner is not None and inner is current:
            field = _fields(inner).get(str(step))
            current = field.annotation if field else None
        else:
            current = inner
    found = _model_in(current)
    return list(_fields(found)) if found else []


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in `M`, `list[M]`, `dict[str, M]` or `M | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next(filter(None, found), None)
