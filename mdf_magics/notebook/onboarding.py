"""The form of `%mdf_onboard`: from source tables to definitions by clicking.

Core controls of ipywidgets only; nothing is loaded from elsewhere. All that it shows is
computed by `Onboarding`, and the line that does the same without a form stands below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import yaml
from IPython.display import display

from mdf_magics.adding import AddOptions, cell_text
from mdf_magics.definitions.flow_text import flow_text
from mdf_magics.errors import MdfError
from mdf_magics.notebook.html import render
from mdf_magics.notebook.html.elements import (
    diff,
    page,
    paragraph,
    preformatted,
    problem_block,
)
from mdf_magics.onboarding import Onboarding
from mdf_magics.onboarding_entry import COPY, Choice, command, target_name
from mdf_magics.plain_text import count
from mdf_magics.results import Previewed

if TYPE_CHECKING:
    from mdf_magics.project import Project

TWIN = """\
The onboarding form. If you read this instead of seeing it, the kernel that made it
is gone: run the cell again. The same without a form:
  %mdf_onboard bronze.* --transformation NAME --into silver.{name} --group silver"""
"""What is shown where widgets aren't, or no more."""

PAGE = 15
"""Tables whose arguments are shown at once."""

NEW = "write a new one ..."

_WIDE = widgets.Layout(width="auto", min_width="300px")


@dataclass
class FormState:
    """What was chosen; it outlives the form, so that a cell can be run again."""

    choice: Choice = field(default_factory=lambda: Choice((), "silver.{name}"))
    catalog: str = ""
    schema: str = ""
    search: str = ""
    page: int = 0


class OnboardingForm:
    """The form, and what it does when something is changed."""

    def __init__(self, project: Project, state: FormState) -> None:
        """Build the form; sources are listed when their schema is looked at.

        Raises:
            DefinitionError: Definitions are wrong.
            EngineError: The catalog can't be read.
        """
        self._project = project
        self._state = state
        self._onboarding: Onboarding = project.onboarding()
        self._filling = False
        self._build()
        self._fill()

    def choose(self, patterns: Sequence[str]) -> None:
        """Choose the sources that patterns match, beside those that are chosen.

        Raises:
            DefinitionError: One matches nothing.
        """
        found = [one for word in patterns for one in self._onboarding.sources(word)]
        if found:
            sources = (*self._state.choice.sources, *found)
            self._change(sources=tuple(dict.fromkeys(sources)))

    def show(self) -> None:
        """Show it in the output of the cell, with its text twin."""
        bundle = dict(self._box._repr_mimebundle_())
        display({**bundle, "text/plain": TWIN}, raw=True)

    def _build(self) -> None:
        self._catalog = widgets.Dropdown(description="catalog", layout=_WIDE)
        self._schema = widgets.Dropdown(description="schema", layout=_WIDE)
        self._search = widgets.Text(description="search", layout=_WIDE)
        self._tables = widgets.SelectMultiple(rows=10, layout=_WIDE)
        self._all = widgets.Button(description="all shown")
        self._none = widgets.Button(description="none")
        self._chosen = widgets.Label()
        self._transformation = widgets.Dropdown(description="made by", layout=_WIDE)
        self._into = widgets.Text(description="called", layout=_WIDE)
        self._group = widgets.Combobox(
            description="group", placeholder="that of the schema", layout=_WIDE
        )
        self._new_name = widgets.Text(placeholder="its name", layout=_WIDE)
        self._new_text = widgets.Textarea(
            placeholder="parameters: {source: table}\n---\nSELECT * FROM {{ source }}",
            rows=8,
            layout=widgets.Layout(width="100%"),
        )
        self._new_save = widgets.Button(description="save transformation")
        self._new = widgets.VBox([self._new_name, self._new_text, self._new_save])
        self._grid = widgets.VBox()
        self._back = widgets.Button(description="previous", icon="chevron-left")
        self._next = widgets.Button(description="next", icon="chevron-right")
        self._pages = widgets.Label()
        self._of = widgets.Dropdown(description="preview", layout=_WIDE)
        self._preview = widgets.Button(description="preview")
        self._rows = widgets.HTML()
        self._told = widgets.HTML()
        self._add = widgets.Button(description="add", button_style="primary")
        source = widgets.VBox(
            [
                self._catalog,
                self._schema,
                self._search,
                self._tables,
                widgets.HBox([self._all, self._none]),
                self._chosen,
            ]
        )
        target = widgets.VBox(
            [self._transformation, self._into, self._group, self._new]
        )
        self._box = widgets.VBox(
            [
                widgets.HBox([source, target], layout={"flex_flow": "row wrap"}),
                self._grid,
                widgets.HBox([self._back, self._next, self._pages]),
                widgets.HBox([self._of, self._preview]),
                self._rows,
                self._told,
                self._add,
            ]
        )
        self._observe()

    def _observe(self) -> None:
        changes: list[tuple[widgets.Widget, Callable[[Any], None]]] = [
            (self._catalog, self._look_into_catalog),
            (self._schema, self._look_into_schema),
            (self._search, self._look_for),
            (self._tables, self._choose),
            (self._transformation, self._make_by),
            (self._into, lambda value: self._change(into=value.strip())),
            (self._group, lambda value: self._change(group=value.strip() or None)),
        ]
        for widget, changed in changes:
            widget.observe(self._guarded(changed), names="value")
        clicks: list[tuple[widgets.Button, Callable[[], None]]] = [
            (self._all, lambda: self._choose(self._tables.options)),
            (self._none, lambda: self._change(sources=())),
            (self._back, lambda: self._turn(-1)),
            (self._next, lambda: self._turn(1)),
            (self._preview, self._show_rows),
            (self._new_save, self._save_transformation),
            (self._add, self._add_all),
        ]
        for button, clicked in clicks:
            button.on_click(self._guarded(partial(_clicked, clicked)))

    def _guarded(self, changed: Callable[[Any], None]) -> Callable[[Any], None]:
        """What is called for an event: errors are shown in the form."""

        def handle(event: Any) -> None:
            if self._filling:
                return
            try:
                changed(event["new"] if isinstance(event, dict) else event)
            except MdfError as error:
                self._tell(error)

        return handle

    @contextmanager
    def _filled(self) -> Iterator[None]:
        """While controls are set by us, their events mean nothing."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    def _fill(self) -> None:
        state = self._state
        with self._filled():
            self._catalog.options = self._onboarding.catalogs()
            state.catalog = _one_of(state.catalog, self._catalog.options)
            self._catalog.value = state.catalog or None
            self._group.options = self._project.vocabulary().groups
            self._into.value = state.choice.into
            self._group.value = state.choice.group or ""
            self._search.value = state.search
            self._fill_transformations()
        self._look_into_catalog(state.catalog)

    def _fill_transformations(self) -> None:
        declared = self._onboarding.planned.expansion.declared
        names = [("a copy of the source", None), *((one, one) for one in declared)]
        self._transformation.options = [*names, (NEW, NEW)]
        wanted = self._state.choice.transformation
        self._transformation.value = wanted if wanted in declared else None
        self._new.layout.display = "none"

    def _look_into_catalog(self, catalog: str) -> None:
        self._state.catalog = catalog
        schemas = self._onboarding.schemas(catalog) if catalog else []
        with self._filled():
            self._schema.options = schemas
            self._state.schema = _one_of(self._state.schema, schemas)
            self._schema.value = self._state.schema or None
        self._look_into_schema(self._state.schema)

    def _look_into_schema(self, schema: str) -> None:
        self._state.schema = schema
        self._refresh()

    def _look_for(self, text: str) -> None:
        self._state.search = text
        self._refresh()

    def _choose(self, shown: Sequence[str]) -> None:
        hidden = [
            one
            for one in self._state.choice.sources
            if one not in set(self._tables.options)
        ]
        self._change(sources=(*hidden, *shown))

    def _make_by(self, name: str | None) -> None:
        self._new.layout.display = "" if name == NEW else "none"
        if name != NEW:
            self._change(transformation=name, own={})

    def _change(self, **changes: Any) -> None:
        self._state.choice = replace(self._state.choice, **changes)
        self._refresh()

    def _turn(self, by: int) -> None:
        self._state.page += by
        self._refresh()

    def _refresh(self) -> None:
        """Show what was chosen: the list, arguments, and what would be written."""
        state, choice = self._state, self._state.choice
        listed: list[str] = []
        if state.catalog and state.schema:
            listed = self._onboarding.tables(state.catalog, state.schema)
        shown = [one for one in listed if state.search.lower() in one.lower()]
        with self._filled():
            if list(self._tables.options) != shown:
                self._tables.options = shown
            self._tables.value = [one for one in choice.sources if one in set(shown)]
            chosen, there = len(choice.sources), count(len(shown), "table")
            self._chosen.value = f"{chosen} chosen · {there} shown"
            previewed = _one_of(self._of.value or "", choice.sources)
            self._of.options = choice.sources
            self._of.value = previewed or None
            self._fill_grid()
        self._check()

    def _fill_grid(self) -> None:
        """A row of arguments for each chosen table, a page at a time."""
        sources = self._state.choice.sources
        pages = max(1, -(-len(sources) // PAGE))
        self._state.page = min(max(self._state.page, 0), pages - 1)
        first = self._state.page * PAGE
        names = [
            one
            for one, parameter in self._parameters().items()
            if parameter.type not in ("table", "stream")
        ]
        rows = [self._grid_row(one, names) for one in sources[first : first + PAGE]]
        header = [widgets.Label(one) for one in ("", *names)]
        self._grid.children = [_grid_line(header), *rows] if rows and names else rows
        several = pages > 1
        self._pages.value = (
            f"page {self._state.page + 1} of {pages}" if pages > 1 else ""
        )
        for button in (self._back, self._next):
            button.layout.display = "" if several else "none"

    def _parameters(self) -> dict[str, Any]:
        return dict(self._onboarding.parameters(self._state.choice.transformation))

    def _grid_row(self, source: str, names: Sequence[str]) -> widgets.HBox:
        choice = self._state.choice
        arguments = self._onboarding.arguments(choice, source)
        told = f"{source} → {target_name(choice.into, source)}"
        cells: list[widgets.Widget] = [widgets.Label(told)]
        for name in names:
            value = arguments.get(name)
            text = widgets.Text(
                value="" if value is None else _shown(value),
                continuous_update=False,
                placeholder="its default" if name not in arguments else "",
            )
            text.observe(self._guarded(self._setter(source, name)), names="value")
            cells.append(text)
        return _grid_line(cells)

    def _setter(self, source: str, name: str) -> Callable[[str], None]:
        def set_value(text: str) -> None:
            kind = self._parameters().get(name, COPY).type
            own = {one: dict(said) for one, said in self._state.choice.own.items()}
            said = own.setdefault(source, {})
            if text.strip():
                said[name] = _parsed(text, kind)
            else:
                said.pop(name, None)
            self._change(own=own)

        return set_value

    def _check(self) -> None:
        """Say what is wrong, or what the file would gain; and the line for it."""
        choice = self._state.choice
        number = count(len(choice.sources), "table")
        self._add.description = f"add {number}"
        self._add.disabled = True
        if not choice.sources:
            self._told.value = page(paragraph("Choose some tables.", "soft"))
            return
        options = AddOptions(no_save=True, no_preview=True)
        added = self._project.add([self._onboarding.cell(choice)], options).added[0]
        line = command(choice.sources, choice)
        self._add.disabled = not added.diff
        self._told.value = page(
            *map(problem_block, added.warnings),
            diff(added.diff) if added.diff else paragraph("All are there already."),
            paragraph("The same without this form:", "soft"),
            preformatted(line),
        )

    def _show_rows(self) -> None:
        source = self._of.value
        if source is None:
            return
        self._rows.value = page(paragraph(f"previewing {source} ...", "soft"))
        choice = replace(self._state.choice, sources=(source,))
        added = self._project.add(
            [self._onboarding.cell(choice)], AddOptions(no_save=True)
        ).added[0]
        preview = added.preview
        self._rows.value = render(preview) if isinstance(preview, Previewed) else ""

    def _save_transformation(self) -> None:
        name = self._new_name.value.strip()
        cell = cell_text("mdf_transformation", name, self._new_text.value)
        self._project.add([cell], AddOptions())
        self._onboarding = self._project.onboarding()
        self._state.choice = replace(self._state.choice, transformation=name, own={})
        with self._filled():
            self._fill_transformations()
        self._refresh()

    def _add_all(self) -> None:
        self._add.disabled = True
        cell = self._onboarding.cell(self._state.choice)
        added = self._project.add([cell], AddOptions())
        self._onboarding = self._project.onboarding()
        self._told.value = render(added)
        self._rows.value = ""
        self._state.choice = replace(self._state.choice, sources=(), own={})

    def _tell(self, error: MdfError) -> None:
        self._add.disabled = True
        self._rows.value = ""
        problems = (
            replace(one, hint="Fill in its field, above.")
            if one.code == "missing-argument"
            else one
            for one in error.problems
        )
        self._told.value = page(*map(problem_block, problems))


def _clicked(action: Callable[[], None], _: widgets.Button) -> None:
    action()


def _grid_line(cells: Sequence[widgets.Widget]) -> widgets.HBox:
    for index, cell in enumerate(cells):
        cell.layout.width = "340px" if index == 0 else "210px"
    return widgets.HBox(list(cells))


def _one_of(value: str, known: Sequence[str]) -> str:
    return value if value in known else (known[0] if known else "")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else flow_text(value)


def _parsed(text: str, kind: str) -> Any:
    """What was typed, as the type wants it."""
    if kind == "columns":
        return [one.strip() for one in text.strip(" []").split(",") if one.strip()]
    if kind in ("column", "string", "expression", "date", "timestamp"):
        return text.strip()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
