"""Loads and unloads the extension. Nothing heavy is imported here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from mdf_magics.command_help import usage
from mdf_magics.commands import VERBS
from mdf_magics.notebook.completion.matcher import Matcher
from mdf_magics.notebook.config import MdfMagics, configure
from mdf_magics.notebook.magics import Magics
from mdf_magics.notebook.slips import put_right

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class _Loaded(NamedTuple):
    """What a shell got, to be taken away again."""

    magics: Magics
    config: MdfMagics
    matcher: Matcher


_loaded: WeakKeyDictionary[InteractiveShell, _Loaded] = WeakKeyDictionary()

_KINDS = {"line": "line", "cell": "cell", "both": "line_cell"}


def load(shell: InteractiveShell) -> None:
    """Register the magics, say in one line where we are, and warm up after the cell."""
    config, problems = configure(shell)
    magics = Magics(shell, config)
    matcher = Matcher(magics.memory)
    matcher.register(shell)
    shell.input_transformers_cleanup.append(put_right)
    _loaded[shell] = _Loaded(magics, config, matcher)
    register: Callable[..., None] = shell.magics_manager.register_function
    for verb in VERBS:
        if verb.face == "command":
            continue
        function = magics.function(verb)
        function.__doc__ = usage(verb)
        register(function, _KINDS[verb.face], verb.magic)
    warm_up = _once(shell, magics)
    magics.warm_up_callback = warm_up
    shell.events.register("post_run_cell", warm_up)
    for said in (_greeting(), *map(str, problems)):
        print(said)  # noqa: T201 (what %load_ext says)


def unload(shell: InteractiveShell) -> None:
    """Take everything back that `load` did, and end the engines."""
    magics, config, matcher = _loaded.pop(shell)
    matcher.unregister(shell)
    shell.configurables.remove(config)  # type: ignore[arg-type] # as in config.py
    shell.input_transformers_cleanup.remove(put_right)
    for kinds in shell.magics_manager.magics.values():
        for name in [one for one in kinds if one.startswith("mdf_")]:
            del kinds[name]
    with suppress(ValueError):
        shell.events.unregister("post_run_cell", magics.warm_up_callback)
    magics.close()


def _greeting() -> str:
    """One line: version, project, target, engine."""
    from importlib.metadata import version

    from mdf_magics.notebook.glance import glance

    said = glance(Path.cwd())
    return f"mdf_magics {version('mdf_magics')} · {said}"


def _once(shell: InteractiveShell, magics: Any) -> Callable[..., None]:
    """Starts the engine in the background when the cell that loads us has finished."""

    def warm_up(*_: object) -> None:
        with suppress(ValueError):
            shell.events.unregister("post_run_cell", warm_up)
        threading.Thread(target=magics.warm_up, daemon=True, name="mdf-warm-up").start()

    return warm_up
