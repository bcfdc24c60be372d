"""The command `mdf`, made from the table of verbs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mdf_magics.command_help import usage
from mdf_magics.commands import VERBS, Option, Verb, own_options, verb
from mdf_magics.defaults import read_defaults
from mdf_magics.errors import ConsentMissing, DefinitionError, MdfError, Problem, Source

SUCCESS, FAILED, WRONG, PENDING = 0, 1, 2, 3
"""Exit codes: all well (warnings included), errors, wrong usage, changes pending."""


class _Command(click.Command):
    """A command whose help is the verb's page."""

    verb: Verb

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        shared = "-C DIR, -t TARGET, --var KEY=VALUE go with every command."
        return f"{usage(self.verb, 'command')}\n\n{shared}"


class _Group(click.Group):
    """Unknown commands get the sentence that the notebook gives."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            try:
                verb(args[0], "command")
            except MdfError as error:
                raise click.UsageError(str(error), ctx) from error
        return super().resolve_command(ctx, args)


def _shared_options() -> list[click.Option]:
    return [
        click.Option(
            ["-C", "folder"],
            metavar="DIR",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Work as if started in DIR.",
        ),
        click.Option(["-t", "--target"], metavar="TARGET", help="Use this target."),
        click.Option(
            ["--var"], multiple=True, metavar="KEY=VALUE", help="Set ${var.KEY}."
        ),
        click.Option(["--debug"], is_flag=True, help="Show tracebacks."),
    ]


def _click_option(option: Option) -> click.Option:
    names = [f"--{option.name}", option.key]
    if option.kind is bool:
        return click.Option(names, is_flag=True, default=None, help=option.help)
    optional: dict[str, Any] = (
        {"flag_value": ""} if option.value.startswith("[") else {}
    )
    return click.Option(
        names,
        type=_click_type(option),
        default=None,
        metavar=option.value,
        help=option.help,
        is_flag=False,
        **optional,
    )


def _click_type(option: Option) -> click.ParamType[Any]:
    if option.choices:
        return click.Choice(option.choices)
    return click.IntRange(min=0) if option.kind is int else click.STRING


def _command(one: Verb) -> click.Command:
    parameters: list[click.Parameter] = [
        click.Argument([argument.name], required=argument.required, nargs=-1)
        if argument.many
        else click.Argument([argument.name], required=argument.required)
        for argument in one.arguments
    ]
    parameters += [_click_option(option) for option in one.options_of("command")]

    def callback(**given: Any) -> None:
        click.get_current_context().exit(_perform(one, given))

    command = _Command(
        one.name,
        params=[*parameters, *_shared_options()],
        callback=callback,
        short_help=one.summary,
    )
    command.verb = one
    return command


def _perform(one: Verb, given: dict[str, Any]) -> int:
    context = click.get_current_context()
    above = context.parent.params if context.parent else {}
    shared = {
        key: given.pop(key) or above.get(key)
        for key in ("folder", "target", "var", "debug")
    }
    arguments = [given.pop(argument.name) for argument in one.arguments]
    try:
        result = _agreed(one, arguments, given, shared)
    except MdfError as error:
        if shared["debug"]:
            raise
        return _report(error, as_json=bool(given.get("json")))
    except KeyboardInterrupt as interrupt:
        told = ["Interrupted.", *getattr(interrupt, "__notes__", [])]
        click.echo("\n".join(told), err=True)
        return FAILED
    from mdf_magics.results import formatted

    chosen = "json" if given.get("json") else given.get("format") or "text"
    click.echo(formatted(result, chosen))
    return _exit_code(result, given)


def _agreed(
    one: Verb, arguments: list[Any], given: dict[str, Any], shared: dict[str, Any]
) -> Any:
    """The result; on a terminal, what wants consent is asked for first."""
    while True:
        try:
            return _result(one, arguments, given, shared)
        except ConsentMissing as missing:
            if given.get("json") or not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise
            given |= _asked(missing)


def _asked(missing: ConsentMissing) -> dict[str, Any]:
    """The options by which somebody at a terminal agrees; raises when they don't."""
    wanted: Any = missing.enough
    click.echo(str(missing), err=True)
    number = "" if isinstance(wanted.delete, bool) else str(wanted.delete)
    word = number or "yes"
    said = click.prompt(
        f"Type {word} to go on, anything else to stop",
        default="", show_default=False, err=True,
    )  # fmt: skip
    if said.strip() != word:
        raise DefinitionError(Problem("not-agreed", "stopped: nothing was changed"))
    options = {
        "yes": wanted.yes or None,
        "delete": None if wanted.delete is False else number,
        "rebuild": ",".join(sorted(wanted.rebuild)) or None,
    }
    return {key: value for key, value in options.items() if value is not None}


def _result(
    one: Verb, arguments: list[Any], given: dict[str, Any], shared: dict[str, Any]
) -> Any:
    from mdf_magics.adding import AddOptions
    from mdf_magics.project import Project

    folder = (shared["folder"] or Path.cwd()).resolve()
    options = own_options(given)
    if one.name == "init":
        return Project.init(folder, **options)
    defaults, _ = read_defaults(folder)
    if "rows" in given and "rows" in defaults:
        options.setdefault("rows", defaults["rows"])
    project = Project.find(
        folder,
        needed=one.needs_project,
        target=shared["target"] or defaults.get("target"),
        variables=_variables(shared["var"] or ()),
    )
    with _progress() as progress:
        try:
            project.progress = progress
            if one.name == "add":
                source = _source(arguments[0], folder)
                return project.add_file(source, AddOptions(**options))
            return getattr(project, one.method or one.name)(*arguments, **options)
        finally:
            project.close()


def _source(file: str | None, folder: Path) -> Source:
    """The cells to add: a file's text, or standard input."""
    name = "<stdin>" if file in (None, "-") else str(file)
    try:
        raw = (
            sys.stdin.buffer.read()
            if name == "<stdin>"
            else (folder / name).read_bytes()
        )
        return Source(name, raw.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        message = f"{name} can't be read: {getattr(error, 'strerror', None) or error}"
        raise DefinitionError(Problem("unreadable-file", message)) from error


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--var wants KEY=VALUE, not {one!r}")
        found[key] = value
    return found


def _exit_code(result: Any, given: dict[str, Any]) -> int:
    from mdf_magics.results import failure_of

    if failure_of(result):
        return FAILED
    if given.get("check") and result.stale:
        return PENDING
    if given.get("exit_code") and result.changes:
        return PENDING
    return SUCCESS


def _report(error: MdfError, *, as_json: bool) -> int:
    if as_json:
        problems = [problem.to_json() for problem in error.problems]
        click.echo(json.dumps({"problems": problems}, indent=2))
    click.echo(str(error), err=True)
    wrong = any(problem.code == "wrong-usage" for problem in error.problems)
    return WRONG if wrong else FAILED


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Shows what is going on, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape

    known: set[str] = set()
    with Console(stderr=True).status("") as status:

        def show(text: str) -> None:
            lines = text.splitlines()
            changed = [line for line in lines if line not in known]
            known.update(lines)
            status.update(escape((changed or lines)[-1]))

        yield show


def _main() -> click.Group:
    group = _Group(
        "mdf",
        params=_shared_options(),
        help="Tables from a few functions: define, preview, deploy, run.",
        commands=[_command(one) for one in VERBS if one.command],
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    version = click.version_option(
        package_name="mdf_magics",
        prog_name="mdf_magics",
        message="%(prog)s %(version)s",
    )
    return version(group)


main = _main()
