"""The Python files that bodies and notebooks import, loaded for one run or preview.

What is imported from a folder, first of all `mdf_runtime`, is loaded for one run and
seen by that run alone: two projects in one process have a copy each, and a new deploy
is there at the next run.
"""

from __future__ import annotations

import builtins
import importlib.util
import itertools
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, Self

from mdf_magics.errors import Source

RUNTIME = "mdf_runtime"

_runs = itertools.count(1)


class Modules:
    """The Python files beside notebooks, for one run.

    They are in `sys.modules` under names that no other run uses, because dataclasses
    and pickle look there. Functions for rows are pickled by value: the engine's server
    doesn't know these names.
    """

    def __init__(
        self, warehouse: Path | None, sources: Mapping[str, Source] | None = None
    ) -> None:
        """Load nothing yet.

        Args:
            warehouse: What the runtime is told: the embedded engine's folder, or None.
            sources: Files that can be imported from everywhere, by name.
        """
        self._warehouse = warehouse
        self._sources = sources or {}
        self._package = f"mdf_local_run_{next(_runs)}"
        self._loaded: dict[Path, ModuleType] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget what was loaded."""
        self.forget()

    def forget(self) -> None:
        """Leave nothing behind in `sys.modules`."""
        for module in self._loaded.values():
            if sys.modules.pop(module.__name__, None):
                _cloudpickle().unregister_pickle_by_value(module)
        self._loaded.clear()

    def builtins(self, folder: Path | None = None) -> dict[str, Any]:
        """Python's builtins, with an `import` that looks here and in a folder first."""

        def find(
            name: str,
            globals: Mapping[str, object] | None = None,  # noqa: A002 - as Python calls it
            locals: Mapping[str, object] | None = None,  # noqa: A002
            fromlist: tuple[str, ...] = (),
            level: int = 0,
        ) -> ModuleType:
            if level == 0 and (source := self._sources.get(name)):
                return self.load(Path(source.name), source.text)
            file = folder and folder / f"{name}.py"
            if level == 0 and "." not in name and file and file.is_file():
                return self.load(file)
            return builtins.__import__(name, globals, locals, fromlist, level)

        return {**vars(builtins), "__import__": find}

    def load(self, file: Path, text: str | None = None) -> ModuleType:
        """A file, or a text that stands for it, as a module; loaded once in a run."""
        with self._lock:
            if file in self._loaded:
                return self._loaded[file]
            name = f"{self._package}.{len(self._loaded)}.{file.stem}"
            spec = importlib.util.spec_from_file_location(name, file)
            if spec is None:
                raise ImportError(f"{file} can't be imported")
            module = importlib.util.module_from_spec(spec)
            vars(module)["__builtins__"] = self.builtins(file.parent)
            self._loaded[file] = sys.modules[name] = module
            _cloudpickle().register_pickle_by_value(module)
            try:
                # Not by its loader: what it has cached may be of the last deploy.
                code = compiled_file(text or file.read_text("utf-8"), str(file))
                exec(code, vars(module))  # noqa: S102
            except BaseException:
                del self._loaded[file], sys.modules[name]
                raise
            if file.stem == RUNTIME:
                warehouse = self._warehouse
                vars(module)["WAREHOUSE"] = str(warehouse) if warehouse else None
            return module


def compiled_file(text: str, name: str) -> CodeType:
    """A file's code, under the name by which a traceback finds it."""
    return compile(text, name, "exec", dont_inherit=True)


def _cloudpickle() -> Any:
    from pyspark import cloudpickle

    return cloudpickle
