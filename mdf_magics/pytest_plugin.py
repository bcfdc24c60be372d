"""Lets pytest find frozen tests: `pytest definitions/tests`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, override

import pytest

_PROJECTS = pytest.StashKey[dict[Path, Any]]()


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    """Take the files of a project's folder of tests."""
    ours = file_path.parent.parts[-2:] == ("definitions", "tests")
    if not ours or file_path.suffix not in (".yml", ".yaml", ".json"):
        return None
    file: pytest.Collector = FrozenFile.from_parent(parent, path=file_path)
    return file


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the engines that tests have started."""
    for project in config.stash.get(_PROJECTS, {}).values():
        project.close()


class FrozenFile(pytest.File):
    """A file of one frozen test."""

    @override
    def collect(self) -> Iterator[pytest.Item]:
        yield FrozenItem.from_parent(self, name=self.path.stem)


class FrozenItem(pytest.Item):
    """A frozen test."""

    @override
    def runtest(self) -> None:
        tested = self._project().test([self.name])
        if tested.errors:
            raise _Failed(tested.text())

    @override
    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **options: Any
    ) -> Any:
        from mdf_magics.errors import MdfError

        if isinstance(excinfo.value, _Failed | MdfError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **options)

    @override
    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name

    def _project(self) -> Any:
        """The test's project, kept with its engine until pytest ends."""
        from mdf_magics.project import Project

        projects = self.config.stash.setdefault(_PROJECTS, {})
        root = self.path.parents[2]
        return projects.setdefault(root, Project(root))


class _Failed(Exception):
    """A table holds other rows than its test expects."""
