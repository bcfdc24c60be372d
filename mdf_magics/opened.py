"""A project opened for a target: its definitions worked out, and its engines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mdf_magics.definitions.loading import Definitions, load
from mdf_magics.definitions.placement_file import placement_changes
from mdf_magics.definitions.storing import LOCAL_FOLDER, Change, locked, write
from mdf_magics.deploying.generated import write_generated
from mdf_magics.engines import Engine, engine_settings
from mdf_magics.errors import DefinitionError, Problem, did_you_mean
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.steps import Planned, Settings, compile_target, plan_target
from mdf_magics.results import CompiledFiles, Previewed
from mdf_magics.results.comparing import difference
from mdf_magics.running.preview import Preview
from mdf_magics.targets import engine_of, testing_engine_of, user_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REMEMBERED = 4
"""How many plans of a target are kept: what is stored, and a cell on its way."""


class OpenedProject:
    """What is known of the definitions in a folder, for one target."""

    def __init__(
        self,
        root: Path,
        *,
        target: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        """Open a project.

        Args:
            root: The folder that holds `definitions/`.
            target: The target; default: the project's `default_target`.
            variables: Values for `${var.x}` that override the definitions'.
        """
        self.root = root
        self.variables = dict(variables or {})
        self.progress: Callable[[str], None] = lambda _: None
        """Told in a few words what is going on, by verbs that take a while."""
        self._target = target
        self._engines: dict[str, tuple[tuple[object, ...], Engine]] = {}
        """By target, with the settings that each was made from."""
        self._planned: dict[Hashable, Planned] = {}
        self._previews: dict[Hashable, Preview] = {}

    @property
    def target(self) -> str:
        """The target that everything is done for."""
        return self._target or self.target_in(load(self.root))

    def target_in(self, definitions: Definitions) -> str:
        """The target that is meant, as these definitions are."""
        project = definitions.project
        default = project.default_target if project else "local"
        return self._target or default

    def for_target(self, name: str) -> Self:
        """The same project for another target; they share what they know."""
        other = copy(self)
        other._target = name  # noqa: SLF001 - it is one of ours
        return other

    def planned(self, definitions: Definitions | None = None) -> Planned:
        """The definitions worked out for the target; remembered until they change."""
        definitions = definitions or load(self.root)
        settings = *self._settings(definitions), definitions.fingerprint
        if settings not in self._planned:
            if len(self._planned) >= REMEMBERED:
                self._planned.pop(next(iter(self._planned)))
            self._planned[settings] = self.worked_out(definitions)
        return self._planned[settings]

    def worked_out(self, definitions: Definitions) -> Planned:
        """Definitions that aren't stored, worked out for the target."""
        user = partial(self._user, definitions)
        target = self.target_in(definitions)
        return plan_target(definitions, Settings(target, self.variables, user))

    def settings(self, definitions: Definitions) -> str:
        """What a plan depends on besides definitions: target, user, variables."""
        return repr(self._settings(definitions))

    def valid(self, definitions: Definitions | None = None) -> Planned:
        """The definitions worked out for the target, without an error in them.

        Raises:
            DefinitionError: There are errors: all of them.
        """
        planned = self.planned(definitions)
        refuse_errors(planned)
        return planned

    def compiled(self) -> tuple[Planned, Compiled]:
        """The target worked out, and the resources and files that it becomes.

        Raises:
            DefinitionError: There are errors: all of them.
        """
        planned = self.valid()
        return planned, compile_target(planned)

    def table(self, name: str, planned: Planned) -> Table:
        """The table that makes the one of that name.

        Raises:
            DefinitionError: There is none.
        """
        if name not in planned.made:
            message = f'there is no table "{name}"'
            hint = did_you_mean(name, planned.tables) or "Define it:  %%mdf_table ."
            raise DefinitionError(Problem("unknown-table", message, hint))
        return planned.made[name]

    def engine(self, planned: Planned) -> Engine:
        """The target's engine, started on first use and kept."""
        name, said = planned.identity.target, engine_settings(planned.target)
        made = self._engines.get(name)
        if made is None or made[0] != said:
            if made is not None:  # another host, another login
                made[1].close()
            made = self._engines[name] = said, engine_of(self.root, planned)
        return made[1]

    def testing_engine(self, planned: Planned) -> Engine:
        """Where tests run: the embedded engine, whatever the target's is."""
        if planned.target.engine == "embedded":
            return self.engine(planned)
        if "" not in self._engines:
            self._engines[""] = (), testing_engine_of(self.root, planned)
        return self._engines[""][1]

    @property
    def spark(self) -> SparkSession:
        """The Spark session of the target's engine; it knows every built table."""
        engine = self.engine(self.planned())
        engine.register_all()
        return engine.session

    def warm_up(self) -> None:
        """Start the target's engine in the background."""
        self.engine(self.planned()).warm_up()

    def close(self) -> None:
        """End the engines that were started."""
        for _, engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def previewed(self, preview: Preview) -> Previewed:
        """A preview with how it differs from the last one of its table."""
        key = self.target, preview.table
        before = self._previews.get(key)
        self._previews[key] = preview
        return Previewed(preview, difference(before, preview) if before else "")

    def record_placement(self, planned: Planned) -> list[Change]:
        """Keep in `placement.yml` which part each table is in.

        Returns:
            What became of that file and those beside it.
        """
        with locked(self.root):
            changes = placement_changes(self.root, planned.parts.placement)
            write(self.root, changes)
        return changes

    def write_files(
        self,
        planned: Planned,
        compiled: Compiled,
        *,
        check: bool = False,
        only: Collection[str] | None = None,
    ) -> CompiledFiles:
        """Write a target's generated files, and which part each table is in.

        Args:
            planned: The target.
            compiled: What it becomes.
            check: Write nothing; say what would change.
            only: The paths to write; None: all.
        """
        if check:
            placed = placement_changes(self.root, planned.parts.placement)
        else:
            placed = self.record_placement(planned)
        development = bool(planned.identity.user)
        files = write_generated(
            self.root, compiled, development=development, check=check, only=only
        )
        shared = (one for one in placed if not one.path.startswith(LOCAL_FOLDER))
        changed = tuple(one.path for one in shared if one.changes)
        return CompiledFiles(replace(files, written=changed + files.written), check)

    def _user(self, definitions: Definitions) -> str:
        """Whose the target is; empty when it is everybody's."""
        project = definitions.project
        target = project.targets.get(self.target_in(definitions)) if project else None
        return user_of(self.root, target) if target and target.mode else ""

    def _settings(self, definitions: Definitions) -> tuple[Hashable, ...]:
        variables = tuple(self.variables.items())
        return self.target_in(definitions), self._user(definitions), variables


def refuse_errors(planned: Planned) -> None:
    """Raise a DefinitionError of all errors, if there are any."""
    if planned.errors:
        raise DefinitionError(*planned.errors)
