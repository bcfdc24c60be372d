"""The house: imports point one way, names say what is inside, faces agree."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from mdf_magics.adding import AddOptions
from mdf_magics.command_lines import parse_line
from mdf_magics.commands import SHARED, VERBS, Verb
from mdf_magics.project import Project

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mdf_magics"

LEVELS = (
    {"errors"},
    {
        "commands",
        "defaults",
        "definitions",
        "engines",
        "plain_text",
        "progress",
        "runtime",
        "state",
    },
    {"command_help", "command_lines", "transformations"},
    {"planning"},
    {"deploying", "running"},
    {"results", "targets"},
    {
        "adding",
        "changing",
        "deploys",
        "grouping",
        "onboarding_entry",
        "runs",
        "testing",
        "validating",
        "vocabulary",
    },
    {"doctor", "journals", "onboarding", "renaming"},
    {"opened"},
    {"project"},
    {"cli", "notebook", "pytest_plugin"},
    {"__init__", "__main__"},
)
"""Rooms and files; each imports from those above it only."""

ALONE = {
    "engines": {"errors"},
    "state": {"errors"},
    "runtime": set(),
    "commands": {"errors"},
    "defaults": {"errors"},
    "command_help": {"commands"},
    "command_lines": {"commands", "errors"},
}
"""What these may import, whatever is above them."""


def room_of(module: str) -> str:
    """`planning` for `mdf_magics.planning.graph`."""
    return ([*module.split("."), "__init__"])[1]


def imported(file: Path) -> Iterator[str]:
    """The modules of ours that a file imports when it runs, wherever that is written."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("mdf_magics."))


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_one_way(file: Path) -> None:
    room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    level = next(number for number, rooms in enumerate(LEVELS) if room in rooms)
    allowed = ALONE.get(room, set().union(*LEVELS[:level]))

    found = {room_of(module) for module in imported(file)} - {room}

    assert found <= allowed


def test_rooms_have_names_that_say_what_is_inside() -> None:
    vague = {
        "utils",
        "util",
        "helpers",
        "helper",
        "manager",
        "common",
        "misc",
        "base",
        "core",
    }

    assert not {file.stem for file in FILES} & vague


def test_every_room_has_tests() -> None:
    rooms = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}

    assert not [
        room for room in rooms if not list((ROOT / "tests" / room).glob("test_*.py"))
    ]


def method_of(verb: Verb) -> inspect.Signature:
    """The signature of what does it."""
    method = getattr(Project, verb.method or verb.name)
    return inspect.signature(method)


DONE_BY_PROJECT = [
    verb
    for verb in VERBS
    if verb.name
    not in ("help", "debug", "transformation", "table", "tables", "add", "edit")
]
CELLS = [
    verb for verb in VERBS if verb.name in ("transformation", "table", "tables", "add")
]


@pytest.mark.parametrize("verb", DONE_BY_PROJECT, ids=lambda verb: verb.name)
def test_methods_take_what_verbs_offer(verb: Verb) -> None:
    parameters = list(method_of(verb).parameters.values())
    words = [one.name for one in verb.arguments]
    given = parameters[1:]  # self, or the folder of a new project

    assert [one.name for one in given[: len(words)]] == words
    assert {one.name for one in given[len(words) :]} == {
        one.key for one in verb.options
    } - set(SHARED)


@pytest.mark.parametrize("verb", CELLS, ids=lambda verb: verb.name)
def test_options_of_cells_are_those_of_adding(verb: Verb) -> None:
    assert {one.key for one in verb.options} <= {one.name for one in fields(AddOptions)}


def test_whatever_a_project_does_is_a_verb() -> None:
    inner = {
        "add_file",
        "columns",
        "find",
        "freeze",
        "onboarding",
        "vocabulary",
    }
    public = {name for name in vars(Project) if not name.startswith("_")} - inner

    assert public == {verb.method or verb.name for verb in VERBS} - {
        "debug",
        "help",
        "transformation",
        "table",
        "tables",
    }


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
class TestVerbs:
    def test_each_has_a_line_of_help(self, verb: Verb) -> None:
        assert verb.summary.endswith(".")
        assert "\n" not in verb.summary

    def test_each_has_an_example_that_can_be_read(self, verb: Verb) -> None:
        first = verb.example.splitlines()[0]
        command, _, line = first.partition(" ")

        assert command.lstrip("%") == (
            f"{verb.magic}" if verb.face != "command" else "mdf"
        )
        if verb.face != "command":
            parse_line(verb, line)

    def test_each_option_has_a_sentence(self, verb: Verb) -> None:
        assert all(one.help.endswith(".") for one in verb.options)


class TestReadme:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    def test_magics_it_names_exist(self) -> None:
        named = set(re.findall(r"%%?mdf_(\w+)", self.text))

        assert named <= {verb.name for verb in VERBS}

    def test_commands_it_names_exist(self) -> None:
        named = set(re.findall(r"^mdf (\w+)|`mdf (\w+)", self.text, re.MULTILINE))
        verbs = {verb.name for verb in VERBS if verb.command}

        assert {one or other for one, other in named} <= verbs

    def test_options_it_names_exist(self) -> None:
        options = {
            one.name
            for verb in VERBS
            for face in ("command", "magic")
            for one in verb.options_of(face)
        }

        assert set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", self.text)) <= options | {
            "target",
            "var",
            "version",
            "help",
        }

    def test_files_it_names_exist(self) -> None:
        named = re.findall(r"\]\(([^)#]+)\)", self.text)

        assert [
            path
            for path in named
            if not path.startswith("http") and not (ROOT / path).exists()
        ] == []


def test_contributing_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}

    assert not [room for room in rooms if f"`{room}/`" not in text]
