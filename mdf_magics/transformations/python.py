"""Python bodies: imports and one function, whose signature gives the parameters."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mdf_magics.definitions.loading import Body
from mdf_magics.transformations.parameters import Parameter, inferred_type
from mdf_magics.transformations.template import TemplateFault

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
    imports: str
    """The import statements as written, joined by line ends."""
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
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise _syntax_fault(text, error) from error
    imports = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    functions = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
    for one in tree.body:
        if one not in imports and one not in functions and not _is_docstring(one):
            message = "a Python body is imports and one function"
            hint = "Move this into the function."
            raise _fault(text, one, "python-body", message, hint)
    if len(functions) != 1:
        where = functions[1] if len(functions) > 1 else tree
        many = "there are two functions" if functions else "there is no function"
        message = f"a Python body is imports and one function; {many}"
        hint = "Define the second inside the first, or import it from  modules ."
        raise _fault(text, where, "python-body", message, hint if functions else "")
    function = functions[0]
    _refuse_written_tables(text, function)
    lines = text.splitlines()
    start = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    source = "\n".join(lines[start - 1 : function.end_lineno])
    return Function(
        name=function.name,
        imports="\n".join(ast.get_source_segment(text, one) or "" for one in imports),
        bound=tuple(_bound(one) for one in _single_imports(imports)),
        source=source,
        parameters=tuple(_parameters(text, function)),
        wants_spark=any(one.arg == "spark" for one in _arguments(function)),
    )


def renamed(function: Function, name: str) -> str:
    """The function's source under another name."""
    if function.name == name:
        return function.source
    lines = function.source.splitlines()
    at = getattr(ast.parse(function.source).body[0], "lineno", 1) - 1
    lines[at] = lines[at].replace(f"def {function.name}", f"def {name}", 1)
    return "\n".join(lines)


def compiled(body: Body) -> Callable[..., Any]:
    """The body's function, ready to be called.

    Its code bears the body's real file and line, so that a traceback points there.

    Raises:
        TemplateFault: As `parse_function`.
    """
    function = parse_function(body.text)
    tree = ast.parse(body.text)
    ast.increment_lineno(tree, body.first_line - 1)
    file = body.source.name or "<cell>"
    namespace: dict[str, Any] = {"__name__": "mdf_transformation"}
    exec(compile(tree, file, "exec"), namespace)  # noqa: S102 (it is what the user wrote)
    found: Callable[..., Any] = namespace[function.name]
    return found


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
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _defaults(function: ast.FunctionDef) -> dict[str, Any]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    given = zip(
        positional[len(positional) - len(arguments.defaults) :],
        arguments.defaults,
        strict=True,
    )
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {
        one.arg: _literal(value) for one, value in [*given, *named] if value is not None
    }


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _annotated_type(argument: ast.arg) -> str | None:
    if argument.annotation is None:
        return None
    written = ast.unparse(argument.annotation).strip("'\"")
    written = written.removesuffix(" | None").replace("List[", "list[")
    plain = written.split("[")[0].split(".")[-1]
    inner = written[written.index("[") :] if "[" in written else ""
    return _ANNOTATIONS.get(plain + inner)


def _refuse_written_tables(text: str, function: ast.FunctionDef) -> None:
    """A table's name in the code would miss the target's catalog and the graph."""
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "table"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
            and node.args[0].value.count(".") == 1
        ):
            name = node.args[0].value
            message = f'"{name}" is written out in a Python body'
            hint = (
                "Make it a parameter:  parameters: {source: table} , and take it "
                "as an argument of the function."
            )
            raise _fault(text, node.args[0], "written-table", message, hint)


def _single_imports(
    imports: list[ast.Import | ast.ImportFrom],
) -> list[tuple[ast.Import | ast.ImportFrom, ast.alias]]:
    return [(one, alias) for one in imports for alias in one.names]


def _bound(pair: tuple[ast.Import | ast.ImportFrom, ast.alias]) -> tuple[str, str]:
    statement, alias = pair
    as_name = f" as {alias.asname}" if alias.asname else ""
    if isinstance(statement, ast.ImportFrom):
        dots = "." * statement.level
        text = f"from {dots}{statement.module or ''} import {alias.name}{as_name}"
    else:
        text = f"import {alias.name}{as_name}"
    return alias.asname or alias.name.split(".")[0], text


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _syntax_fault(text: str, error: Exception) -> TemplateFault:
    line = getattr(error, "lineno", None) or 1
    column = getattr(error, "offset", None) or 1
    lines = text.splitlines(keepends=True)
    offset = sum(len(one) for one in lines[: line - 1]) + column - 1
    message = f"this is not valid Python: {getattr(error, 'msg', None) or error}"
    return TemplateFault("python-syntax", message, "", min(offset, len(text)))


def _fault(
    text: str, node: ast.AST, code: str, message: str, hint: str = ""
) -> TemplateFault:
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    lines = text.splitlines(keepends=True)
    offset = sum(len(one) for one in lines[: line - 1]) + column
    end = getattr(node, "end_col_offset", None)
    same_line = getattr(node, "end_lineno", line) == line
    length = (end - column) if end and same_line else 1
    return TemplateFault(code, message, hint, offset, max(1, length))
