"""The rows that a table would hold, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdf_magics.errors import Problem
from mdf_magics.plain_text import count, json_value, rows_text
from mdf_magics.running.preview import ExpectationResult, Preview


@dataclass(frozen=True)
class Previewed:
    """The rows that a table would hold."""

    preview: Preview
    since: str = ""
    """How it differs from the last preview of the same table."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is to be said about the rows."""
        return self.preview.problems

    def text(self) -> str:
        """The rows as a table, then what was read and how expectations fare."""
        lines = [*rows_text(self.preview.rows), "", self.summary()]
        lines += [f"  {line}" for line in self.expectation_lines()]
        lines += [f"  {line}" for line in self.next_run_lines()]
        lines += [self.since] if self.since else []
        lines += ["", *map(str, self.warnings)] if self.warnings else []
        return "\n".join(lines)

    def summary(self) -> str:
        """One line: how many rows, in what time, from what."""
        preview = self.preview
        figure = count(len(preview.rows.rows), "row")
        rows = f"the first {figure}" if preview.rows.more else figure
        parts = [f"{preview.table}: {rows} in {preview.seconds:.2f} s"]
        for how in sorted(set(preview.upstream.values()), reverse=True):
            names = [name for name, one in preview.upstream.items() if one == how]
            parts.append(f"{how}: {', '.join(names)}")
        parts += ["streams read as a whole"] if preview.streams else []
        return " · ".join(parts)

    def expectation_lines(self) -> list[str]:
        """A line for each expectation, and what it was counted over."""
        lines = []
        for one in self.preview.expectations:
            line = f"{one.name}: {one.passed:,} pass, {one.failed:,} fail"
            fate = self.fate(one)
            lines.append(f"{line} ({fate})" if fate else line)
            if one.examples and one.examples.rows:
                lines += [f"  {line}" for line in rows_text(one.examples)]
        return [*lines, *self.sample()]

    def next_run_lines(self) -> list[str]:
        """What the next run would change, with examples of each kind of change."""
        lines = [*filter(None, [self.next_run_sentence()]), *self.drift()]
        told = self.preview.next_run
        for change in told.changes if told else ():
            examples = (f"  {line}" for line in rows_text(change.examples))
            lines += [f"{change.kind}:", *examples]
        return lines

    def next_run_sentence(self) -> str:
        """How many rows of each kind the next run would change; empty if untold."""
        told = self.preview.next_run
        if told and told.files:
            return f"the next run: {told.files}"
        if told is None or not told.counted:
            return ""
        figures = [f"{one.rows:,} {one.kind}" for one in told.changes]
        said = ", ".join(figures) or "nothing to change"
        sample = f" (by {told.sampled}; --full compares all)" if told.sampled else ""
        return f"the next run: {said}{sample}"

    def drift(self) -> list[str]:
        """How the columns differ from those of the table that is there."""
        told = self.preview.next_run.columns if self.preview.next_run else ()
        return [f"against the table: {one}" for one in told]

    def fate(self, one: ExpectationResult) -> str:
        """What a run does about the rows that fail; empty when none does."""
        fates = {
            "warn": "kept, with a warning",
            "drop": "dropped",
            "quarantine": f"moved to {self.preview.table}_quarantine",
            "fail": "a run would stop here",
        }
        return fates[one.on_failure] if one.failed else ""

    def sample(self) -> list[str]:
        """A line that says so when expectations were not counted over all rows."""
        checked = self.preview.checked_rows
        seen = [one.passed + one.failed for one in self.preview.expectations]
        if not checked or not seen or seen[0] < checked:
            return []
        return [f"counted over the first {checked:,} rows; --full counts all"]

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf preview --json` documents."""
        preview = self.preview
        columns = preview.rows.columns
        return {
            "table": preview.table,
            "columns": [{"name": one.name, "type": one.type} for one in columns],
            "rows": [[json_value(one) for one in row] for row in preview.rows.rows],
            "expectations": [
                {"name": one.name, "passed": one.passed, "failed": one.failed}
                for one in preview.expectations
            ],
            "upstream": {
                name: how.partition(" ")[0] for name, how in preview.upstream.items()
            },
            "seconds": round(preview.seconds, 3),
        }
