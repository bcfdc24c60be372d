"""Python bodies: imports and one function, whose signature gives the parameters."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mdf_magics.definitions.bodies import Body
from mdf_magics.transformations.faults import TemplateFault, line_start
from mdf_magics.transformations.parameters import Parameter, inferred_type

_ANNOTATIONS = {
    "DataFrame": "table",
    "str": "string",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "date": "date",
    "datetime": "timestamp",
    "list": "list",
    "list[str]": "columns",
    "list[int]": "list",
    "list[float]": "list",
    "list[date]": "list",
}

_NO_DEFAULT = object()


@dataclass(frozen=True)
class Function:
    """A Python body, parsed."""

    name: str
    bound: tuple[tuple[str, str], ...]
    """Each name that the imports bind, with the import that binds it."""
    source: str
    """The function's own lines, decorators included."""
    parameters: tuple[Parameter, ...]
    wants_spark: bool
    """Whether the signature names `spark`."""


@lru_cache(maxsize=4096)
def parse_function(text: str) -> Function:
    """Parse a Python body.

    Raises:
        TemplateFault: It isn't imports and one function, or its signature says
            nothing usable.
    """
    tree = _tree(text)
    imports = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    functions = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
    for one in tree.body:
        if one not in imports and one not in functions and not _is_docstring(one):
            message = "a Python body is imports and one function"
            hint = "Move this into the function."
            raise _fault(text, one, "python-body", message, hint)
        if isinstance(one, ast.ImportFrom) and one.level:
            message = "a Python body can't import from a folder around it"
            hint = "Name the file in  modules: , and import it by its own name."
            raise _fault(text, one, "python-body", message, hint)
    if len(functions) != 1:
        where = functions[1] if functions else tree
        many = "there are two functions" if functions else "there is no function"
        message = f"a Python body is imports and one function; {many}"
        hint = "Define the second inside the first, or import it from  modules ."
        raise _fault(text, where, "python-body", message, hint if functions else "")
    function = functions[0]
    _refuse_written_tables(text, function)
    lines = text.split("\n")
    start = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    return Function(
        name=function.name,
        bound=tuple(_bound(one, alias) for one in imports for alias in one.names),
        source="\n".join(lines[start - 1 : function.end_lineno]),
        parameters=tuple(_parameters(text, function)),
        wants_spark=any(one.arg == "spark" for one in _arguments(function)),
    )


def renamed(function: Function, name: str) -> str:
    """The function's source under another name, also where it calls itself."""
    if function.name == name:
        return function.source
    tree = _tree(function.source)
    taken = {one.arg for one in ast.walk(tree) if isinstance(one, ast.arg)}
    places = [
        _offset(function.source, one.lineno, one.col_offset)
        for one in ast.walk(tree)
        if isinstance(one, ast.Name) and one.id == function.name
        if function.name not in taken
    ]
    text = function.source
    head = re.search(rf"^def\s+(?={function.name}\b)", text, re.MULTILINE)
    places.append(head.end() if head else 0)
    for start in sorted(places, reverse=True):
        text = f"{text[:start]}{name}{text[start + len(function.name) :]}"
    return text


def compiled(
    body: Body, builtins: Mapping[str, Any] | None = None
) -> Callable[..., Any]:
    """The body's function, ready to be called.

    Its code bears the body's real file and line, so that a traceback points there.

    Args:
        body: The function and its imports.
        builtins: What stands for Python's own, such as another `import`.

    Raises:
        TemplateFault: As `parse_function`.
    """
    function = parse_function(body.text)
    tree = _tree(body.text)
    ast.increment_lineno(tree, body.first_line - 1)
    file = body.source.name or "<cell>"
    namespace: dict[str, Any] = {"__name__": "mdf_transformation"}
    if builtins is not None:
        namespace["__builtins__"] = builtins
    exec(compile(tree, file, "exec"), namespace)  # noqa: S102 (it is what the user wrote)
    found: Callable[..., Any] = namespace[function.name]
    return found


def signature_offset(text: str, word: str) -> int:
    """Where a function's own name or one of its parameters stands in its body."""
    functions = (one for one in _tree(text).body if isinstance(one, ast.FunctionDef))
    function = next(functions)
    for argument in _arguments(function):
        if argument.arg == word:
            return _offset(text, argument.lineno, argument.col_offset)
    start = _offset(text, function.lineno, function.col_offset)
    return text.index(function.name, start + len("def"))


def declared(function: Function, header: dict[str, Parameter]) -> dict[str, Parameter]:
    """The parameters of a function: its signature's, with what the header adds."""
    result = {}
    for parameter in function.parameters:
        said = header.get(parameter.name)
        if said is None:
            result[parameter.name] = parameter
        elif said.required and not parameter.required:
            result[parameter.name] = replace(
                said,
                required=False,
                default=parameter.default,
                in_signature=True,
            )
        else:
            result[parameter.name] = said
    return result


def _parameters(text: str, function: ast.FunctionDef) -> list[Parameter]:
    if function.args.vararg or function.args.kwarg:
        message = "*args and **kwargs can't be parameters of a transformation"
        raise _fault(text, function, "python-body", message, "Name each parameter.")
    if function.args.posonlyargs:
        message = "arguments are passed by name: there can be no / in the signature"
        raise _fault(text, function, "python-body", message, "Remove it.")
    defaults = _defaults(function)
    parameters = []
    for argument in _arguments(function):
        if argument.arg == "spark":
            continue
        default = defaults.get(argument.arg, _NO_DEFAULT)
        kind = _annotated_type(argument) or (
            inferred_type(default) if default is not _NO_DEFAULT else None
        )
        parameters.append(
            Parameter(
                name=argument.arg,
                type=kind or "",
                required=default is _NO_DEFAULT,
                default=None if default is _NO_DEFAULT else default,
                in_signature=default is not _NO_DEFAULT,
            )
        )
    return parameters


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.args, *function.args.kwonlyargs]


def _defaults(function: ast.FunctionDef) -> dict[str, Any]:
    arguments = function.args
    unset = [None] * (len(arguments.args) - len(arguments.defaults))
    values = [*unset, *arguments.defaults, *arguments.kw_defaults]
    return {
        one.arg: _literal(value)
        for one, value in zip(_arguments(function), values, strict=True)
        if value is not None
    }


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None


def _annotated_type(argument: ast.arg) -> str | None:
    if argument.annotation is None:
        return None
    written = re.sub(r"['\"\s]|\b[A-Za-z_]\w*\.", "", ast.unparse(argument.annotation))
    written = re.sub(r"^Optional\[(.*)\]$", r"\1", written).replace("List[", "list[")
    return _ANNOTATIONS.get(written.removeprefix("None|").removesuffix("|None"))


def _refuse_written_tables(text: str, function: ast.FunctionDef) -> None:
    """A table's name in the code would miss the target's catalog and the graph."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = [one.value for one in node.keywords if one.arg == "tableName"]
        for value in [*node.args[:1], *named] if node.func.attr == "table" else ():
            name = value.value if isinstance(value, ast.Constant) else None
            if isinstance(name, str) and name.count(".") == 1:
                message = f'"{name}" is written out in a Python body'
                hint = (
                    "Make it a parameter:  parameters: {source: table} , and take it "
                    "as an argument of the function."
                )
                raise _fault(text, value, "written-table", message, hint)


def _bound(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, str]:
    """The name that an import binds, and the import of it alone."""
    as_name = f" as {alias.asname}" if alias.asname else ""
    text = f"import {alias.name}{as_name}"
    if isinstance(statement, ast.ImportFrom):
        return alias.asname or alias.name, f"from {statement.module} {text}"
    return alias.asname or alias.name.split(".")[0], text


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _tree(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # What Python thinks of an escape is told where the code runs.
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
        offset = line_start(text, line or 1) + max(column or 1, 1) - 1
        said = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
        message = f"this is not valid Python: {said}"
        offset = min(offset, len(text))
        raise TemplateFault("python-syntax", message, "", offset) from error


def _fault(
    text: str, node: ast.AST, code: str, message: str, hint: str = ""
) -> TemplateFault:
    offset = _offset(text, getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
    length = 1
    if isinstance(node, ast.stmt | ast.expr) and node.end_lineno == node.lineno:
        length = _offset(text, node.lineno, node.end_col_offset or 0) - offset
    return TemplateFault(code, message, hint, offset, max(1, length))


def _offset(text: str, line: int, column: int) -> int:
    """The offset of a place in a tree, whose columns are bytes of UTF-8."""
    start = line_start(text, line)
    raw = text[start : line_start(text, line + 1)].encode()
    return start + len(raw[:column].decode())
