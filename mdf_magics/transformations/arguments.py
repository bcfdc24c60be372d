"""What a transformation declares, and what a table passes for it."""

from __future__ import annotations

import keyword
import re
from dataclasses import replace
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.bodies import Body
from mdf_magics.definitions.checking import checked, shown
from mdf_magics.definitions.entries import Entry
from mdf_magics.errors import Problem, did_you_mean
from mdf_magics.transformations.parameters import (
    TYPES,
    BadValue,
    Parameter,
    inferred_type,
    typed,
)
from mdf_magics.transformations.python import (
    declared,
    parse_function,
    signature_offset,
)
from mdf_magics.transformations.template import RESERVED, TemplateFault, parse


def problem_of(body: Body, fault: TemplateFault) -> Problem:
    """A body's fault as a problem, at its place in the user's text."""
    hint, before = fault.hint, 0
    if fault.cause is not None:
        cause = body.place_at(fault.cause)
        hint = hint.replace("{line}", str(cause.line))
        before = max(0, body.place_at(fault.offset).line - cause.line)
    place = body.place_at(fault.offset, fault.length, before)
    return Problem(fault.code, str(fault), hint, place)


def declared_parameters(
    transformation: Entry,
) -> tuple[dict[str, Parameter], list[Problem]]:
    """What a transformation's header and signature declare.

    Args:
        transformation: The transformation as written.

    Returns:
        Its parameters by name, and what is wrong with them or with its body.
    """
    problems: list[Problem] = []
    header = {}
    for name, value in (transformation.value.get("parameters") or {}).items():
        parameter = _declaration(transformation, name, value, problems)
        if parameter:
            header[name] = parameter
    body = transformation.body
    if body is None or body.kind == "notebook":
        return header, problems
    try:
        if body.kind == "python":
            return _of_function(transformation, body, header, problems), problems
        used = parse(body.text).names
    except TemplateFault as fault:
        return header, [*problems, problem_of(body, fault)]
    written = transformation.value.get("parameters") or {}
    for name, offset in used.items():
        if name not in written:  # a faulty declaration is told already
            problems.append(_undeclared(body, name, offset, header))
    return header, problems


def bound_arguments(
    settings: models.Table,
    transformation: Entry,
    parameters: dict[str, Parameter],
    entry: Entry,
    problems: list[Problem],
) -> dict[str, Any]:
    """A table's arguments as typed values, defaults included.

    What is missing, unknown or of a wrong type becomes a problem.
    """
    given, result = settings.arguments, {}
    for name in given:
        if name not in parameters:
            message = f'{transformation.name} has no parameter "{name}"'
            place = entry.place(("arguments", name), key=True)
            hint = did_you_mean(name, parameters)
            problems.append(Problem("unknown-argument", message, hint, place))
    for name, parameter in parameters.items():
        if name in given:
            value = _typed(parameter, given[name], entry, ("arguments", name), problems)
            result[name] = value
        elif parameter.required:
            problems.append(_missing(settings.name, transformation, parameter, entry))
        elif not parameter.in_signature:
            result[name] = parameter.default
    if settings.parameters:
        message = f"{settings.name} uses a transformation, so it passes arguments"
        place = entry.place(("parameters",), key=True)
        hint = "Write  arguments:  instead of  parameters: ."
        problems.append(Problem("unknown-key", message, hint, place))
    return result


def bound_values(
    settings: models.Table, body: Body, entry: Entry, problems: list[Problem]
) -> tuple[dict[str, Parameter], dict[str, Any]]:
    """The parameters of a table's own body, which come with their values."""
    if settings.arguments:
        message = (
            f"{settings.name} has a body of its own, so its parameters have values"
        )
        place = entry.place(("arguments",), key=True)
        hint = "Write  parameters:  instead of  arguments: ."
        problems.append(Problem("unknown-key", message, hint, place))
    signature: dict[str, Parameter] = {}
    used: dict[str, int] = {}
    try:
        if body.kind == "python":
            signature = {p.name: p for p in parse_function(body.text).parameters}
        else:
            used = parse(body.text).names
    except TemplateFault as fault:
        problems.append(problem_of(body, fault))
        return {}, {}
    parameters: dict[str, Parameter] = {}
    values: dict[str, Any] = {}
    for name, value in settings.parameters.items():
        known = signature.get(name)
        if bad_name := _name_fault(entry, name):
            problems.append(bad_name)
            continue
        parameter, at = _own_parameter(name, value, known, entry, problems)
        if parameter is None:
            continue
        if body.kind == "python" and known is None:
            message = f'the function has no parameter "{name}"'
            place = entry.place(("parameters", name), key=True)
            hint = did_you_mean(name, signature)
            problems.append(Problem("unknown-argument", message, hint, place))
            continue
        parameters[name] = parameter
        given = value["value"] if len(at) > 2 else value
        values[name] = _typed(parameter, given, entry, at, problems)
    for name, offset in used.items():
        if name not in settings.parameters:
            problems.append(_undeclared(body, name, offset, parameters))
    for name, parameter in signature.items():
        if name not in settings.parameters and parameter.required:
            message = f'the parameter "{name}" of the function has no value'
            hint = f"Add  {name}: ...  to  parameters: ."
            place = entry.place(("parameters",))
            problems.append(Problem("missing-argument", message, hint, place))
    return parameters, values


def _declaration(
    entry: Entry, name: str, value: Any, problems: list[Problem]
) -> Parameter | None:
    path = ("parameters", name)
    if fault := _name_fault(entry, name):
        problems.append(fault)
        return None
    if isinstance(value, str):
        if value in TYPES:
            return Parameter(name, value)
        message = f'there is no type "{value}"'
        hint = did_you_mean(value, TYPES, limit=20)
        problems.append(Problem("unknown-type", message, hint, entry.place(path)))
        return None
    declaration, found = checked(
        models.ParameterDeclaration,
        value,
        lambda at, on_key: entry.place((*path, *at), key=on_key),
    )
    problems += found
    if declaration is None:
        return None
    description = declaration.description or ""
    if "default" not in value:
        return Parameter(name, declaration.type, description=description)
    parameter = Parameter(name, declaration.type, False, None, description)
    default = _typed(parameter, value["default"], entry, (*path, "default"), problems)
    return replace(parameter, default=default)


def _name_fault(entry: Entry, name: str) -> Problem | None:
    """Why a name can't be a parameter's: code and templates have to hold it."""
    word = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    if word and name.lower() not in RESERVED and not keyword.iskeyword(name):
        return None
    message = f'"{name}" can\'t name a parameter'
    hint = (
        "Use letters, digits and _, starting with a letter; no word of Python or Jinja."
    )
    return Problem(
        "bad-name", message, hint, entry.place(("parameters", name), key=True)
    )


def _of_function(
    transformation: Entry,
    body: Body,
    header: dict[str, Parameter],
    problems: list[Problem],
) -> dict[str, Parameter]:
    function = parse_function(body.text)
    if function.name != transformation.name:
        message = f"the function is called {function.name}, not {transformation.name}"
        hint = f"Write  def {transformation.name}(...) ."
        offset = signature_offset(body.text, function.name)
        place = body.place_at(offset, len(function.name))
        problems.append(Problem("function-name", message, hint, place))
    known = {parameter.name: parameter for parameter in function.parameters}
    for name in header:
        if name not in known:
            message = f'the function {function.name} has no parameter "{name}"'
            place = transformation.place(("parameters", name), key=True)
            hint = did_you_mean(name, known)
            problems.append(Problem("unknown-parameter", message, hint, place))
    parameters = declared(function, header)
    for name, parameter in parameters.items():
        if not parameter.type:
            message = f'the parameter "{name}" has no type'
            hint = (
                f"Annotate it, {name}: DataFrame for a table or {name}: str for a"
                f" text; or write  parameters: {{{name}: table}} ."
            )
            offset = signature_offset(body.text, name)
            place = body.place_at(offset, len(name))
            problems.append(Problem("unknown-type", message, hint, place))
    return {name: one for name, one in parameters.items() if one.type}


def _own_parameter(
    name: str,
    value: Any,
    signature: Parameter | None,
    entry: Entry,
    problems: list[Problem],
) -> tuple[Parameter | None, tuple[str, ...]]:
    """A parameter of a table's own body, and where its value is.

    That is written alone, or as `{type: ..., value: ...}`.
    """
    path = ("parameters", name)
    if isinstance(value, dict) and set(value) <= {"type", "value"} and "type" in value:
        if value["type"] not in TYPES:
            message = f"there is no type {shown(value['type'])}"
            hint = did_you_mean(str(value["type"]), TYPES, limit=20)
            place = entry.place((*path, "type"))
            problems.append(Problem("unknown-type", message, hint, place))
            return None, path
        if "value" not in value:
            message = f'the parameter "{name}" has a type, but no value'
            hint = f"Write  {name}: {{type: {value['type']}, value: ...}} ."
            problems.append(
                Problem("missing-argument", message, hint, entry.place(path))
            )
            return None, path
        return Parameter(name, value["type"]), (*path, "value")
    if signature is not None and signature.type:
        return signature, path
    if isinstance(value, str) and value in TYPES:
        message = f'"{value}" is a type; a table\'s own parameters are values'
        hint = f"Write  {name}: {{type: {value}, value: ...}} ."
        problems.append(Problem("missing-argument", message, hint, entry.place(path)))
        return None, path
    kind = inferred_type(value)
    if kind is None:
        message = f'the type of "{name}" can\'t be told from its value'
        hint = f"Write  {name}: {{type: ..., value: ...}} ."
        problems.append(Problem("unknown-type", message, hint, entry.place(path)))
        return None, path
    return Parameter(name, kind), path


def _typed(
    parameter: Parameter,
    value: Any,
    entry: Entry,
    path: tuple[str | int, ...],
    problems: list[Problem],
) -> Any:
    try:
        result = typed(parameter.type, value)
    except BadValue as error:
        message = f"{parameter.name} ({parameter.type}) {error}"
        place = entry.place(path)
        problems.append(Problem("wrong-type", message, error.hint, place))
        return None
    if parameter.type == "expression":
        # sqlglot is imported only where there is something to parse.
        from mdf_magics.transformations.sql import check_expression

        if fault := check_expression(result, row_by_row=False):
            message = f"{parameter.name} (expression) {fault}"
            place = entry.place(path)
            hint = "Write one SQL expression, such as  upper(name) ."
            problems.append(Problem("bad-expression", message, hint, place))
    return result


def _missing(
    table: str, transformation: Entry, parameter: Parameter, entry: Entry
) -> Problem:
    name = parameter.name
    wanted = f'"{name}" ({parameter.type}) of {transformation.name}'
    message = f"{table} gives no value for {wanted}"
    value = f'"${{each.{name}}}"' if "for_each" in entry.value else "..."
    hint = (
        f'Add  {name}: {value}  or give "{name}" a default in '
        f"{transformation.document.source.name or 'its cell'}."
    )
    return Problem("missing-argument", message, hint, entry.place(("arguments",)))


def _undeclared(
    body: Body, name: str, offset: int, known: dict[str, Parameter]
) -> Problem:
    message = f"{{{{ {name} }}}} is no parameter"
    near = did_you_mean(name, known)
    add = f"Add  {name}: ...  to  parameters: ."
    end = body.text.find("}", offset)
    length = end + 2 - offset if end > 0 else 1
    hint = f"{near}\n{add}" if near else add
    return Problem("unknown-parameter", message, hint, body.place_at(offset, length))
