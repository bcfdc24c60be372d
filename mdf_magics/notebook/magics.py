"""Magics: each parses its line, calls one method of Project and shows the result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand

from mdf_magics.command_help import overview, usage
from mdf_magics.command_lines import Parsed, parse_line
from mdf_magics.commands import Verb, WrongUsage, own_options, verb
from mdf_magics.errors import DefinitionError, MdfError, Problem
from mdf_magics.notebook.completion.memory import Memory
from mdf_magics.notebook.errors import LastError, interrupted

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mdf_magics.notebook.config import MdfMagics
    from mdf_magics.notebook.onboarding import FormState
    from mdf_magics.project import Project


class Magics:
    """The magics of one kernel, with the projects they have opened."""

    def __init__(self, shell: InteractiveShell, config: MdfMagics) -> None:
        """Remember the shell and its configuration; nothing is opened yet."""
        self._shell = shell
        self._config = config
        self._projects: dict[Path, Project] = {}
        self._forms: dict[tuple[Path, str], FormState] = {}
        self._last_error = LastError()
        self.memory = Memory(
            lambda: self.project().vocabulary(),
            lambda table: [one.name for one in self.project().columns(table)],
        )
        self.warm_up_callback: Callable[..., None] = lambda: None

    def function(self, one: Verb) -> Callable[..., None]:
        """The function that IPython calls for a verb's magic."""

        @no_var_expand
        def magic(line: str, cell: str | None = None) -> None:
            verbose = self._config.verbose_errors
            try:
                parsed = parse_line(one, line)
                verbose = verbose or bool(parsed.options["debug"])
                self._perform(one, parsed, line, cell)
            except MdfError as error:
                shown = self._last_error.shown(error, verbose=verbose)
                if shown is error:
                    raise  # with its cause
                raise shown from None
            except KeyboardInterrupt as interrupt:
                raise interrupted(interrupt, saving=cell is not None) from None
            finally:
                self.memory.forget()

        magic.__name__ = one.magic
        return magic

    def project(self, *, needed: bool = True) -> Project:
        """The project at or above the working folder, kept for the kernel."""
        from mdf_magics.project import Project

        found = Project.find(needed=needed, target=self._config.target or None)
        return self._projects.setdefault(found.root, found)

    def warm_up(self) -> None:
        """Start the target's engine, if there is a project; never complains."""
        with suppress(Exception):
            self.project().warm_up()

    def close(self) -> None:
        """End what the projects have started."""
        for project in self._projects.values():
            project.close()

    def _perform(self, one: Verb, parsed: Parsed, line: str, cell: str | None) -> None:
        from mdf_magics.notebook.display import show, show_text, working
        from mdf_magics.results import failure_of, formatted

        if parsed.options["help"]:
            show_text(usage(one))
            return
        if one.name == "help":
            name = parsed.arguments["name"]
            show_text(usage(verb(name)) if name else overview())
            return
        if one.name == "debug":
            show_text(self._last_error.traceback())
            return
        if one.name == "onboard" and not parsed.options["into"]:
            self._show_form(one, parsed)
            return
        if cell is None:
            _require(one, parsed)
        with working() as progress:
            result = self._result(one, parsed, line, cell, progress)
            chosen = parsed.options.get("format") or "text"
            if chosen == "text":
                show(result, progress)
                self._learn(result)
            else:
                show_text(formatted(result, chosen))
        if one.name == "init":
            self.warm_up_callback()
        if error := failure_of(result):
            raise error

    def _project_of(self, one: Verb, parsed: Parsed) -> Project:
        """The project, for the target that the line names."""
        project = self.project(needed=one.needs_project)
        target = parsed.options.get("target")
        return project.for_target(target) if target else project

    def _show_form(self, one: Verb, parsed: Parsed) -> None:
        """The onboarding form, with what was chosen in it before."""
        from mdf_magics.notebook.onboarding import FormState, OnboardingForm

        project = self._project_of(one, parsed)
        state = self._forms.setdefault((project.root, project.target), FormState())
        form = OnboardingForm(project, state)
        form.choose(parsed.arguments["patterns"])
        form.show()

    def _result(
        self,
        one: Verb,
        parsed: Parsed,
        line: str,
        cell: str | None,
        progress: Callable[[str], None],
    ) -> Any:
        from mdf_magics.adding import AddOptions, cell_text
        from mdf_magics.project import Project
        from mdf_magics.results import Message

        options = own_options(parsed.options)
        if one.name == "init":
            return Project.init(Path.cwd(), **options)
        project = self._project_of(one, parsed)
        project.progress = progress
        if cell is not None and one.name == "test":
            return project.freeze(_one_table(parsed), cell)
        if cell is not None:
            _refuse_empty(one, cell)
            defaults = AddOptions(rows=self._config.rows)
            return project.add([cell_text(one.magic, line, cell)], defaults)
        if one.name == "table":
            return project.show(parsed.arguments["name"])
        if one.name == "edit":
            self._shell.set_next_input(project.cell(parsed.arguments["name"]))
            return Message("It is in the next cell.")
        if "rows" in parsed.options:
            options.setdefault("rows", self._config.rows)
        return getattr(project, one.method or one.name)(
            *parsed.arguments.values(), **options
        )

    def _learn(self, result: Any) -> None:
        """Let completion know the columns that were shown."""
        from mdf_magics.results import columns_shown

        for table, columns in columns_shown(result).items():
            self.memory.learn(table, (one.name for one in columns))


def _refuse_empty(one: Verb, cell: str) -> None:
    if not cell.strip():
        example = "".join(f"\n  {line}" for line in one.example.splitlines())
        hint = f"A cell looks like this:\n{example}"
        if one.face == "both":
            hint += f"\n\n%{one.magic} NAME  shows what is stored."
        raise DefinitionError(Problem("empty-cell", "this cell is empty", hint))


def _require(one: Verb, parsed: Parsed) -> None:
    """A line's own sentence for a missing word; a cell's error names its line."""
    for argument in one.arguments:
        if argument.required and not parsed.arguments[argument.name]:
            message = f"%{one.magic} wants a {argument.name}"
            page = f"Help:  %{one.magic}?"
            raise WrongUsage(Problem("wrong-usage", message, page))


def _one_table(parsed: Parsed) -> str:
    names = parsed.arguments["names"]
    if len(names) != 1:
        message = "%%mdf_test wants one table"
        raise WrongUsage(Problem("wrong-usage", message, "Help:  %%mdf_test?"))
    return str(names[0])
