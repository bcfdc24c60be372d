"""Files are written whole or not at all, by one writer at a time."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.definitions import storing
from mdf_magics.definitions.loading import load
from mdf_magics.definitions.placement_file import PLACEMENT_FILE, placement_text
from mdf_magics.definitions.storing import (
    Change,
    local_folder,
    locked,
    write,
    write_file,
)
from mdf_magics.errors import DefinitionError

from .conftest import Write

ROOT = Path(__file__).parents[2]
FILE = "definitions/a.yml"


def python(module: str, *arguments: object) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        f"tests.definitions.{module}",
        *map(str, arguments),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_bytes(b"old\r\n")
    return path


class TestWriting:
    def test_makes_folders_and_files(self, tmp_path: Path):
        write(tmp_path, [Change("definitions/tables/a.yml", None, "é\n")])

        assert (tmp_path / "definitions/tables/a.yml").read_bytes() == "é\n".encode()

    def test_keeps_line_ends_as_they_are_in_the_text(self, tmp_path: Path, file: Path):
        write(tmp_path, [Change(FILE, "old\r\n", "new\r\nold\n")])

        assert file.read_bytes() == b"new\r\nold\n"

    def test_keeps_a_byte_order_mark(self, tmp_path: Path, file: Path):
        file.write_bytes(b"\xef\xbb\xbfold")
        write(tmp_path, [Change(FILE, "old", "new")])

        assert file.read_bytes() == b"\xef\xbb\xbfnew"

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
    def test_keeps_permissions(self, tmp_path: Path, file: Path, mode: int):
        file.chmod(mode)
        write(tmp_path, [Change(FILE, "old\r\n", "new")])

        assert file.stat().st_mode & 0o777 == mode

    def test_gives_new_files_the_usual_permissions(self, tmp_path: Path):
        (tmp_path / "usual").touch()
        write(tmp_path, [Change("new", None, "new")])

        assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode

    def test_goes_through_symlinks(self, tmp_path: Path, file: Path):
        (tmp_path / "elsewhere").mkdir()
        real = tmp_path / "elsewhere/real.yml"
        file.rename(real)
        file.symlink_to("../elsewhere/real.yml")
        write(tmp_path, [Change(FILE, "old\r\n", "new")])

        assert file.is_symlink()
        assert real.read_bytes() == b"new"
        assert [one.name for one in real.parent.iterdir()] == ["real.yml"]

    def test_removes_files(self, tmp_path: Path, file: Path):
        write(tmp_path, [Change(FILE, "old\r\n", None), Change("b", None, "b")])

        assert not file.exists()
        assert (tmp_path / "b").exists()

    def test_touches_nothing_without_a_change(self, tmp_path: Path, file: Path):
        os.utime(file, (1, 1))
        write(tmp_path, [Change(FILE, "whatever", "whatever")])

        assert file.stat().st_mtime == 1

    def test_a_file_of_no_definition_is_atomic_too(self, tmp_path: Path):
        write_file(tmp_path / "deep/er/x.py", "x = 1\n")
        write_file(tmp_path / "deep/er/x.py", "x = 2\n")

        assert [one.name for one in (tmp_path / "deep/er").iterdir()] == ["x.py"]
        assert (tmp_path / "deep/er/x.py").read_text(encoding="utf-8") == "x = 2\n"


class TestRefusals:
    def test_a_file_that_changed_meanwhile_is_shown(self, tmp_path: Path, file: Path):
        file.write_bytes(b"a\nc\n")
        with pytest.raises(DefinitionError) as error:
            write(tmp_path, [Change("b", None, "b"), Change(FILE, "a\nb\n", "new")])

        assert str(error.value) == (
            "changed-meanwhile: definitions/a.yml was changed by somebody else meanwhile\n"
            "  --- a/definitions/a.yml\n"
            "  +++ b/definitions/a.yml\n"
            "  @@ -1,2 +1,2 @@\n"
            "   a\n"
            "  -b\n"
            "  +c\n"
            "  Run the cell again.\n"
            "  Nothing was saved."
        )
        assert file.read_bytes() == b"a\nc\n"
        assert not (tmp_path / "b").exists()
        assert [one.name for one in file.parent.iterdir()] == ["a.yml"]

    @pytest.mark.parametrize(
        ("change", "raw"),
        [
            (Change(FILE, None, "new"), b"old\r\n"),
            (Change(FILE, "old\n", "new"), b"old\r\n"),
            (Change(FILE, "old\r\n", None), b"older"),
            (Change(FILE, "old", "new"), b"\xff"),
        ],
        ids=["there by now", "line ends", "to be removed", "no text any more"],
    )
    def test_any_other_text_is_a_change(
        self, tmp_path: Path, file: Path, change: Change, raw: bytes
    ):
        file.write_bytes(raw)
        with pytest.raises(DefinitionError, match="changed-meanwhile"):
            write(tmp_path, [change])

        assert file.read_bytes() == raw

    def test_a_file_that_is_gone_is_a_change(self, tmp_path: Path, file: Path):
        file.unlink()
        with pytest.raises(DefinitionError, match="changed-meanwhile"):
            write(tmp_path, [Change(FILE, "old\r\n", "new")])

        assert list(file.parent.iterdir()) == []

    def test_a_file_that_cant_be_written_is_told(self, tmp_path: Path, file: Path):
        with pytest.raises(DefinitionError) as error:
            write(
                tmp_path, [Change(FILE, "old\r\n", "x"), Change(f"{FILE}/b", None, "x")]
            )

        (problem,) = error.value.problems
        assert problem.code == "unwritable-file"
        assert error.value.note == "Nothing was saved."
        assert file.read_bytes() == b"old\r\n"
        assert [one.name for one in file.parent.iterdir()] == ["a.yml"]

    def test_what_was_written_before_a_failure_is_told(
        self, tmp_path: Path, file: Path
    ):
        gone = Change(FILE, "old\r\n", None)
        with pytest.raises(DefinitionError) as error:
            write(tmp_path, [Change("b", None, "b"), gone, gone])

        assert error.value.note == "Written before: b, definitions/a.yml."


class TestDiff:
    def test_is_as_git_shows_it(self):
        assert Change("a", "x\ny\n", "x\nz\n").diff() == (
            "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n x\n-y\n+z"
        )
        assert (
            Change("a", None, "x\n").diff()
            == "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x"
        )
        assert (
            Change("a", "x\n", None).diff()
            == "--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-x"
        )
        assert Change("a", "x", "x").diff() == ""

    def test_of_one_more_table_among_a_thousand_is_one_hunk(self, written: Write):
        from .storing_cells import saving

        text = "tables:\n" + "".join(
            f"  - name: a.t{one}\n    sql: SELECT 1\n\n" for one in range(1000)
        )
        root = written({"tables/a.yml": text})

        assert (
            saving(root, "mdf_table", "a.new", "SELECT 1").change.diff().count("@@ -")
            == 1
        )


class TestLock:
    def test_keeps_git_out_of_the_local_folder(self, tmp_path: Path):
        with locked(tmp_path):
            assert (tmp_path / ".mdf/.gitignore").read_text(encoding="utf-8") == "*\n"
        assert local_folder(tmp_path) == tmp_path / ".mdf"

    def test_that_another_holds_for_long_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(storing, "WAIT", 0.05)
        with (
            locked(tmp_path),
            pytest.raises(DefinitionError) as error,
            locked(tmp_path),
        ):
            pass

        assert error.value.problems[0].code == "definitions-locked"
        assert error.value.note == "Nothing was saved."

    def test_is_free_after_an_error(self, tmp_path: Path):
        with pytest.raises(ValueError, match="x"), locked(tmp_path):
            raise ValueError("x")
        with locked(tmp_path):
            pass


class TestProcesses:
    @pytest.mark.parametrize(
        ("writers", "tables"),
        [
            (8, 20),
            pytest.param(8, 50, marks=pytest.mark.full),
        ],
    )
    def test_that_add_to_one_file_lose_nothing(
        self, written: Write, writers: int, tables: int
    ):
        root = written({})
        processes = [python("add_tables", root, one, tables) for one in range(writers)]
        for process in processes:
            process.communicate()
            assert process.returncode == 0

        definitions = load(root)
        assert definitions.problems == ()
        assert {entry.name for entry in definitions.tables} == {
            f"busy.w{writer}_{number}"
            for writer in range(writers)
            for number in range(tables)
        }
        assert len(definitions.tables) == writers * tables

    def test_that_are_killed_leave_the_old_or_the_new_file(self, tmp_path: Path):
        chance = random.Random(1)
        for _ in range(6):
            with python("write_until_killed", tmp_path) as process:
                assert process.stdout
                acknowledged = int(process.stdout.readline())
                time.sleep(chance.random() / 50)
                process.kill()
            lines = set((tmp_path / FILE).read_text(encoding="utf-8").splitlines())
            (number,) = lines
            assert int(number) >= acknowledged
            (tmp_path / FILE).unlink()

    @pytest.mark.full
    def test_that_are_killed_at_any_step_leave_the_old_or_the_new_file(
        self, written: Write
    ):
        """At every open, rename, chmod and fsync of saving one cell."""
        old = "tables:\n  - name: busy.old\n    sql: SELECT 1 AS n\n"
        new = old + "\n  - name: busy.new\n    sql: |\n      SELECT 1 AS n\n"
        steps, seen = set(), set()
        for number in itertools.count():
            root = written({"tables/busy.yml": old})
            (root / PLACEMENT_FILE).write_text(placement_text({"busy.old": "busy"}))
            with python("die_at_step", root, number) as process:
                said = process.communicate()[0]
            steps.add(said.split(" ")[0])
            text = (root / "definitions/tables/busy.yml").read_text()
            assert text in (old, new), said
            seen.add(text)
            assert load(root).problems == (), said
            # whoever comes next isn't hindered
            assert Project(root).validate().problems == (), said
            if process.returncode == 0:
                break
        assert seen == {old, new}
        assert number > 10
        assert {"os.rename", "os.fsync", "open"} <= steps

    @pytest.mark.parametrize("room", [0, 1000, 60_000])
    def test_a_full_disk_leaves_the_old_file(
        self, tmp_path: Path, file: Path, room: int
    ):
        """The limit of a process's files stands for the disk's: writing fails midway."""
        code = (
            "import resource, signal, sys; from pathlib import Path\n"
            "from mdf_magics.definitions.storing import *\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
            f"write(Path({str(tmp_path)!r}), [Change({FILE!r}, 'old\\r\\n', 'x' * 99_999)])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )

        assert done.returncode == 1
        assert "can't be written: file too large" in done.stderr
        assert "Nothing was saved." in done.stderr
        assert file.read_bytes() == b"old\r\n"
        assert [one.name for one in file.parent.iterdir()] == ["a.yml"]

    def test_that_are_killed_leave_nothing_for_long(self, tmp_path: Path, file: Path):
        old, young = file.parent / ".mdf-tmp-1", file.parent / ".mdf-tmp-2"
        for left in (old, young):
            left.write_text("half", encoding="utf-8")
        os.utime(old, (1, 1))
        write(tmp_path, [Change(FILE, "old\r\n", "new")])

        assert not old.exists()
        assert young.exists()
        assert load(tmp_path).tables == ()
