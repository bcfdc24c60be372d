"""A project: one method for each verb. Magics and the command call nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mdf_magics.adding import (
    Adding,
    AddOptions,
    CellText,
    cell_text,
)
from mdf_magics.changing import not_stored, remove
from mdf_magics.definitions.cells import split_cells
from mdf_magics.definitions.editing import entry_lines
from mdf_magics.definitions.loading import (
    PROJECT_FILE,
    Definitions,
    Entry,
    load,
)
from mdf_magics.definitions.merging import repair_conflicts
from mdf_magics.definitions.names import quoted
from mdf_magics.definitions.recalling import recalled
from mdf_magics.definitions.starting import retarget, start
from mdf_magics.deploying.adopting import Adopted
from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Deployer
from mdf_magics.deploying.generated import files_of
from mdf_magics.deploying.plan import Plan
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploys import Deploys, consent_of
from mdf_magics.doctor.checks import Diagnosis
from mdf_magics.doctor.diagnosing import diagnose
from mdf_magics.engines import Column, Engine
from mdf_magics.engines.databricks import notebook_session
from mdf_magics.errors import (
    DefinitionError,
    EngineError,
    Problem,
    Source,
    did_you_mean,
)
from mdf_magics.grouping import regroup, repair_placement, show_group
from mdf_magics.journals import Journals
from mdf_magics.onboarding import Onboarding
from mdf_magics.opened import OpenedProject, refuse_errors
from mdf_magics.planning.columns import column_graph
from mdf_magics.planning.selection import Selector
from mdf_magics.planning.showing import shown_query
from mdf_magics.planning.steps import Planned
from mdf_magics.renaming import rename
from mdf_magics.results import (
    AddedAll,
    Changed,
    CompiledFiles,
    Definition,
    Frozen,
    Graphed,
    GraphedColumns,
    History,
    Listed,
    Message,
    Previewed,
    Ran,
    RanTests,
    Regrouped,
    Result,
    ShownGroup,
    ShownQuery,
    Status,
    Validated,
    columns_of,
    graph_of,
    listed,
)
from mdf_magics.running.preview import ROWS, Previewer
from mdf_magics.runs import Runs
from mdf_magics.targets import deployer_of
from mdf_magics.testing import frozen, tested
from mdf_magics.validating import Checked, checked_once
from mdf_magics.vocabulary import Vocabulary, vocabulary_of


class Project(OpenedProject):
    """The definitions in a folder, and what is done with them for one target."""

    @classmethod
    def find(
        cls, folder: Path | None = None, *, needed: bool = True, **options: Any
    ) -> Project:
        """The nearest project at or above a folder.

        Args:
            folder: Where to begin; default: the working folder.
            needed: Whether there must be one; else the folder may have none.
            options: What `Project` takes.

        Raises:
            DefinitionError: There is none.
        """
        start = (folder or Path.cwd()).resolve()
        for candidate in (start, *start.parents):
            if (candidate / PROJECT_FILE).exists():
                return cls(candidate, **options)
        if not needed:
            return cls(start, **options)
        message = f"there is no project at or above {start}"
        hint = "Start one here:  %mdf_init  or  mdf init ."
        raise DefinitionError(Problem("no-project", message, hint))

    @classmethod
    def init(
        cls, folder: Path, catalog: str | None = None, schema_prefix: str | None = None
    ) -> Message:
        """Start a project in a folder; inside one, change its default target.

        Args:
            folder: Where.
            catalog: Catalog of the tables; default `main`, in a Databricks notebook
                the notebook's.
            schema_prefix: Put before the name of each schema.

        Returns:
            What was done.
        """
        if (folder / PROJECT_FILE).exists():
            target = cls(folder).target
            return Message(retarget(folder, target, catalog, schema_prefix))
        notebook = notebook_session()
        if notebook and catalog is None:
            catalog = notebook.catalog.currentCatalog()
        said = start(folder, catalog, schema_prefix, on_databricks=notebook is not None)
        return Message(said)

    def switch(self, name: str | None) -> Message:
        """Show the target, or change it for what follows.

        Raises:
            DefinitionError: There is no target of that name.
        """
        definitions = load(self.root)
        targets = definitions.project.targets if definitions.project else {}
        if name is None:
            shown = [
                f"{'*' if one == self.target else ' '} {one} ({target.engine})"
                for one, target in targets.items()
            ]
            return Message("\n".join(shown))
        if name not in targets:
            message = f'there is no target "{name}"'
            hint = did_you_mean(name, targets)
            raise DefinitionError(Problem("unknown-target", message, hint))
        self._target = name
        return Message(f"target {name} ({targets[name].engine})")

    def add(
        self,
        cells: Sequence[CellText],
        options: AddOptions,
    ) -> AddedAll:
        """Define what cells say: preview each, then save all or none.

        Raises:
            DefinitionError: A cell is wrong; nothing was saved.
            EngineError: A preview fails; nothing was saved.
        """
        adding = Adding(self, options)
        added = [adding.add(cell) for cell in cells]
        adding.save()
        return AddedAll(tuple(added))

    def add_file(
        self,
        source: Source,
        options: AddOptions,
    ) -> AddedAll:
        """Define the cells of a file, each with its `%%mdf_...` line.

        Raises:
            DefinitionError: There is no cell, or one is wrong; nothing was saved.
        """
        cells = [
            cell_text(magic, line, text, source, first)
            for first, magic, line, text in split_cells(source)
        ]
        if not cells:
            message = f"{source.name or 'the text'} holds no cell"
            hint = "A cell starts with a line such as  %%mdf_table schema.table ."
            raise DefinitionError(Problem("no-cell", message, hint))
        return self.add(cells, options)

    def onboarding(self) -> Onboarding:
        """What looks for source tables and writes the cell that makes tables of them.

        Raises:
            DefinitionError: Definitions are wrong.
        """
        definitions = load(self.root)
        planned = self.valid(definitions)
        return Onboarding(definitions, planned, self.engine(planned), str(self.root))

    def onboard(  # noqa: PLR0913 - one for each option of the verb
        self,
        patterns: Sequence[str],
        *,
        into: str | None = None,
        transformation: str | None = None,
        group: str | None = None,
        write: str | None = None,
        arguments: str | None = None,
        no_save: bool = False,
        no_preview: bool = False,
        rows: int = ROWS,
    ) -> AddedAll:
        """Make tables of many source tables, as one entry.

        Args:
            patterns: Sources, such as `bronze.*`.
            into: What the tables are called: `silver.{name}`.
            transformation: What makes them; None: each is a copy.
            group: The group they are in.
            write: How they are written.
            arguments: YAML, for all tables, or under a source's name for one.
            no_save: Preview only.
            no_preview: Save without running anything.
            rows: How many rows of the first table to show.

        Raises:
            DefinitionError: Something doesn't fit, or can't be proposed. Nothing was
                saved.
            EngineError: A source can't be read. Nothing was saved.
        """
        onboarding = self.onboarding()
        choice = onboarding.choice(
            patterns, into, transformation, group, write, arguments
        )
        options = AddOptions(no_save=no_save, no_preview=no_preview, rows=rows)
        return self.add([onboarding.cell(choice)], options)

    def list(self, *, select: str | None = None) -> Listed:
        """Every table, with its home and where it is defined.

        Args:
            select: Words that choose some of them.

        Raises:
            DefinitionError: A word names nothing.
        """
        planned = self.planned()
        chosen = self._chosen((), select, planned)
        return listed(planned, chosen)

    def show(
        self, name: str, *, sql: bool = False
    ) -> Definition | ShownQuery | ShownGroup:
        """What is stored for a table or a transformation, or the parts of a group.

        Args:
            name: The table, transformation or group.
            sql: A table's query instead, with everything filled in.

        Raises:
            DefinitionError: Nothing of that name is stored, or it isn't SQL.
        """
        if sql:
            planned = self.planned()
            table = self.table(name, planned)
            refuse_errors(planned)
            query = shown_query(table, planned.texts)
            return ShownQuery(name, self.target, table.body.source.name, query)
        definitions = load(self.root)
        planned = self.planned(definitions)
        groups = {one.group for one in planned.tables.values()}
        if name in groups and name not in definitions.transformations:
            return show_group(name, planned)
        entry = definitions.transformations.get(name) or self._entry(name, definitions)
        first, last = entry_lines(entry.document, entry.path)
        lines = entry.document.source.text.splitlines()[first - 1 : last]
        file = entry.document.source.name
        return Definition(name, file, first, "\n".join(lines))

    def remove(self, name: str, *, force: bool = False) -> Changed:
        """Take a table's or a transformation's definition away.

        Args:
            name: The table or transformation.
            force: Also when others use it.

        Raises:
            DefinitionError: Others use it, or nothing of that name is stored.
        """
        definitions = load(self.root)
        planned = self.planned(definitions)
        changed = remove(self.root, name, definitions, planned, force=force)
        self.record_placement(self.planned())
        return changed

    def rename(self, old: str, new: str) -> Changed:
        """Give a table or a transformation another name, everywhere it is written.

        Raises:
            DefinitionError: The new name is taken or not allowed.
        """
        definitions = load(self.root)
        planned = self.planned(definitions)
        changed = rename(self.root, old, new, definitions, planned)
        self.record_placement(self.planned())
        return changed

    def cell(self, name: str) -> str:
        """The cell that would make a table or a transformation again.

        Raises:
            DefinitionError: Nothing of that name is stored.
        """
        definitions = load(self.root)
        known = definitions.transformations.get(name)
        entry = known or self._entry(name, definitions)
        return recalled(entry, is_table=known is None)

    def preview(
        self, table: str, rows: int = ROWS, *, fresh: bool = False, full: bool = False
    ) -> Previewed:
        """The rows that a table would hold if it were built now.

        Args:
            table: The table.
            rows: How many to show.
            fresh: Compute upstream tables even where they exist.
            full: Count expectations over all rows.

        Raises:
            DefinitionError: There is no such table, or definitions are wrong.
            EngineError: It can't be computed.
        """
        planned = self.planned()
        self.table(table, planned)
        refuse_errors(planned)
        self.progress(f"previewing {table}")
        previewer = Previewer(
            planned, self.engine(planned), str(self.root), fresh=fresh
        )
        return self.previewed(previewer.preview(table, rows, all_rows=full))

    def graph(
        self,
        tables: Sequence[str] = (),
        *,
        columns: bool = False,
        status: bool = False,
    ) -> Graphed | GraphedColumns:
        """The tables and what they read, to be drawn.

        Args:
            tables: The tables; none: all. Each with all that it reads and all that
                reads it; a + before or behind the name keeps to one side.
            columns: The columns of these tables, and where they come from.
            status: Also how the last run of each table ended.

        Raises:
            DefinitionError: There is no such table.
        """
        planned = self.planned()
        both = [word if "+" in word else f"+{word}+" for word in tables]
        chosen = self._chosen(both, None, planned)
        if columns:
            named = self._chosen([word.strip("+") for word in tables], None, planned)
            asked = partial(_asked_columns, self.engine(planned))
            wanted = chosen or ()
            found = column_graph(planned.expansion, planned.graph, asked, wanted)
            every = frozenset(planned.tables)
            return columns_of(planned, found, named or every, chosen or every)
        statuses = {}
        if status:
            statuses = {one.name: one.status for one in self.status().tables}
        return graph_of(planned, chosen, statuses)

    def vocabulary(self) -> Vocabulary:
        """The names that may be written, for completion.

        Raises:
            DefinitionError: `mdf.yml` can't be read.
        """
        return vocabulary_of(self.planned())

    def columns(self, table: str) -> tuple[Column, ...]:
        """The columns that a table has or would have, of ours or of others.

        Raises:
            EngineError: It isn't there, or can't be resolved.
        """
        planned = self.planned()
        engine, homes = self.engine(planned), planned.expansion.homes
        if homes.made_by(table) is not None:
            return Previewer(planned, engine, str(self.root)).schema(table)
        home = homes.resolve(table)
        if not engine.exists(home):
            raise EngineError(Problem("unknown-table", f"there is no table {table}"))
        return engine.schema(f"SELECT * FROM {quoted(home)}")

    def validate(self, *, fix: bool = False) -> Validated:
        """Every problem at once, in the order of files and lines.

        Args:
            fix: Repair first what a merge may have left: conflicts where both sides
                added entries, and `placement.yml`.
        """
        repaired = repair_conflicts(self.root) if fix else []
        definitions = load(self.root)
        if definitions.project is None:
            return Validated(definitions.problems, 0, self.target)
        try:
            if fix:
                repaired += repair_placement(self.root, self.planned(definitions))
                definitions = load(self.root)
            settings = self.settings(definitions)
            problems, tables = checked_once(
                definitions, settings, lambda: _checked(self.planned(definitions))
            )
        except DefinitionError as error:  # there is no such target
            problems, tables = definitions.problems or tuple(error.problems), 0
        diff = "\n".join(one.diff() for one in repaired)
        return Validated(problems, tables, self.target, diff)

    def doctor(self, *, connect: bool = False) -> Diagnosis:
        """Find what doesn't fit together here, each with the fix.

        Args:
            connect: Also run a query, which may start compute that costs money.
        """

        def plan() -> Planned:
            Project.find(self.root)
            return self.planned()

        return diagnose(self.target, plan, self.engine, connect=connect)

    def regroup(
        self, group: str, size: int | None = None, *, yes: bool = False
    ) -> Regrouped:
        """Propose other parts for a group: as few as hold it, with the fewest moves.

        Args:
            group: The group.
            size: Tables that a part is to hold, at most; default: as the group says.
            yes: Accept it: write `placement.yml`.

        Raises:
            DefinitionError: There is no such group, or definitions are wrong.
        """
        return regroup(self.root, group, self.planned(), size=size, accept=yes)

    def compile(
        self, *, check: bool = False, select: str | None = None
    ) -> CompiledFiles:
        """Write the generated definitions of the target.

        Args:
            check: Write nothing; say which committed files are stale.
            select: Words that choose tables; only their parts' files are written.

        Raises:
            DefinitionError: Definitions are wrong; nothing was written.
        """
        planned, compiled = self.compiled()
        only = None
        if select:
            tables = Selector(planned).select(select).tables
            only = files_of(compiled, tables)
        return self.write_files(planned, compiled, check=check, only=only)

    def plan(self, *, select: str | None = None, out: str | None = None) -> Plan:
        """What a deploy would change, and why; reads only.

        Args:
            select: Words that choose tables, such as `silver.* tag:owner`.
            out: A file that keeps the plan, for `deploy`.

        Raises:
            DefinitionError: Definitions are wrong.
            StateError: The state can't be read or trusted.
        """
        return self._deploys().plan(select, out)

    def deploy(
        self,
        *,
        yes: bool = False,
        delete: str | None = None,
        rebuild: str | None = None,
        select: str | None = None,
        plan: str | None = None,
        wait: bool = False,
    ) -> DeployResult:
        """Bring the target's jobs to what the definitions want.

        Args:
            yes: Agree to rebuilds and moves.
            delete: Agree to deletions: "" to all, a number to exactly so many.
            rebuild: Tables that may begin anew, with commas between them.
            select: Words that choose tables; their parts are deployed, and nothing
                else is deleted.
            plan: A file with the plan that was looked at; another one is refused.
            wait: Wait for somebody else's deploy.

        Raises:
            DefinitionError: Definitions are wrong; nothing was changed.
            ConsentMissing: The plan does more than was agreed to.
            StateError: The state can't be read, written or trusted.
            DeployError: The saved plan isn't true any more.
        """
        consent = consent_of(yes=yes, delete=delete, rebuild=rebuild)
        deploys = self._deploys()
        saved = deploys.saved(plan, select) if plan else None
        terms = deploys.terms(consent, wait=wait)
        written = partial(self.write_files, deploys.planned, deploys.compiled)
        return deploys.deploy(select, saved, replace(terms, agreed=written))

    def destroy(
        self, *, yes: bool = False, delete: str | None = None, wait: bool = False
    ) -> DeployResult:
        """Delete every job and pipeline of the target; tables and their rows stay.

        Args:
            yes: Agree to going back to an older commit.
            delete: Agree to it: the exact number of resources.
            wait: Wait for somebody else's deploy.

        Raises:
            ConsentMissing: The number is missing or another one.
            StateError: The state can't be read, written or trusted.
        """
        consent, deploys = consent_of(yes=yes, delete=delete), self._deploys()
        return deploys.destroy(deploys.terms(consent, wait=wait))

    def state(self, action: str | None = None, lock_id: str | None = None) -> Result:
        """Look into the target's state, or mend it.

        Args:
            action: `show`, `rebuild`, `unlock` or `export`; None: show.
            lock_id: For `unlock`: whose lock it is, as `show` says.

        Raises:
            StateError: The state can't be read or trusted, or the lock is another one.
        """
        return self._journals().act(action or "show", lock_id)

    def history(self, key: str | None = None, *, limit: int | None = None) -> History:
        """What happened to the target's resources, newest first.

        Args:
            key: Only this one.
            limit: At most so many; None: 50.

        Raises:
            StateError: The state can't be read or trusted.
        """
        return self._journals().history(key, limit)

    def adopt(
        self,
        kind: str,
        id: str,  # noqa: A002 - as people call it
        key: str,
        *,
        yes: bool = False,
    ) -> Plan | DeployResult:
        """Bind a job or pipeline that exists to a key of the definitions.

        Args:
            kind: `job` or `pipeline`.
            id: Its id.
            key: The part it is to be, or `all`.
            yes: Do it; without, only the differences are shown.

        Raises:
            DeployError: It is another project's, or the key has one already.
        """
        deploys = self._deploys()
        terms = deploys.terms(Consent(yes=yes))
        return deploys.adopt(Adopted(kind, id, key), terms)

    def run(
        self,
        tables: Sequence[str] = (),
        *,
        select: str | None = None,
        full_refresh: bool = False,
        watch: str | None = None,
        repair: str | None = None,
        cancel: str | None = None,
    ) -> Ran:
        """Run what is deployed, and wait for it.

        Args:
            tables: The tables; none: all. A + before a name takes what it reads
                along, behind it what reads it.
            select: More words that choose tables.
            full_refresh: The tables begin anew, with what their sources have now.
            watch: A run that was started before: only watch it.
            repair: A run of a job: run again what failed in it.
            cancel: A run to cancel.

        Raises:
            DefinitionError: There is no such table.
            DeployError: Nothing is deployed.
            RunError: Watching was stopped; the run goes on.
        """
        if watch or repair or cancel:
            runs = self._runs(self.planned())
            if cancel:
                return runs.cancel(cancel)
            return runs.repair(repair) if repair else runs.watch(watch or "")
        planned, compiled = self.compiled()
        chosen = self._chosen(tables, select, planned)
        return self._runs(planned).run(compiled, chosen, full_refresh=full_refresh)

    def status(self) -> Status:
        """Every resource against state and workspace, every table with its last run.

        Raises:
            StateError: The state can't be read or trusted.
        """
        return self._runs(self.planned()).status(self.target)

    def _runs(self, planned: Planned) -> Runs:
        deployer = self._deployer(planned)
        return Runs(planned, deployer, lambda: self.engine(planned), self.progress)

    def freeze(self, table: str, text: str) -> Frozen:
        """Freeze what a table makes of some rows as a test.

        Args:
            table: The table.
            text: What a `%%mdf_test` cell says, as YAML.

        Raises:
            DefinitionError: The cell or definitions are wrong. Nothing was saved.
            EngineError: Something can't be read or computed. Nothing was saved.
        """
        planned = self.valid()
        self.progress(f"freezing {table}")
        reading, computing = self.engine(planned), self.testing_engine(planned)
        return frozen(
            self.root, table, text, planned, reading=reading, computing=computing
        )

    def test(self, names: Sequence[str] = (), *, accept: bool = False) -> RanTests:
        """Run frozen tests, on the embedded engine.

        Args:
            names: Tests or tables; none: all.
            accept: Write down what there is now as what is expected.

        Raises:
            DefinitionError: There is no such test, or definitions are wrong.
        """
        planned = self.valid()
        engine = partial(self.testing_engine, planned)
        return tested(self.root, names, planned, engine, self.progress, accept=accept)

    def _deployer(self, planned: Planned) -> Deployer:
        return deployer_of(self.root, planned, lambda: self.engine(planned))

    def _journals(self) -> Journals:
        planned = self.planned()
        engine = partial(self.engine, planned)
        return Journals.of(self.root, planned, engine)

    def _deploys(self) -> Deploys:
        planned, compiled = self.compiled()
        deployer = self._deployer(planned)
        return Deploys(self.root, planned, compiled, deployer, self.progress)

    def _chosen(
        self, tables: Sequence[str], select: str | None, planned: Planned
    ) -> frozenset[str] | None:
        """The tables that words such as `+silver.x` name; None: all."""
        words = [*tables, *([select] if select else [])]
        if not words:
            return None
        if any("state:" in word for word in words):
            selection = self._deploys().selection(words)
        else:
            selection = Selector(planned).select(words)
        return None if selection is None else selection.tables

    def _entry(self, name: str, definitions: Definitions) -> Entry:
        planned = self.planned(definitions)
        if name in planned.tables:
            return planned.tables[name].entry
        entry = next((one for one in definitions.tables if one.name == name), None)
        if entry is None:
            raise DefinitionError(not_stored(name, definitions, planned))
        return entry


def _asked_columns(engine: Engine, home: str) -> list[str] | None:
    """The columns of a table, where its engine knows it."""
    with suppress(EngineError):
        if engine.exists(home):
            details = engine.catalog.details(*home.split("."))
            return [one.name for one in details.columns]
    return None


def _checked(planned: Planned) -> Checked:
    return planned.problems, len(planned.tables)
