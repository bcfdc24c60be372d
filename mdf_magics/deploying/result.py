"""What a deploy came to, and its progress while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mdf_magics.errors import DeployError, Problem
from mdf_magics.plain_text import count


@dataclass(frozen=True)
class Done:
    """A resource that is now as it should be."""

    key: str
    kind: str
    action: str
    remote_id: str
    url: str | None = None

    def to_json(self) -> dict[str, object]:
        """The resource in the shape that `mdf deploy --json` documents."""
        return {
            "key": self.key,
            "kind": self.kind,
            "action": self.action,
            "remote_id": self.remote_id,
            "url": self.url,
        }


@dataclass(frozen=True)
class Failed:
    """A resource that could not be brought there."""

    key: str
    kind: str
    action: str
    problem: Problem
    """With the place in the definitions that asks for it."""

    def to_json(self) -> dict[str, object]:
        """The failure in the shape that `mdf deploy --json` documents."""
        place = self.problem.place
        return {
            "key": self.key,
            "error": self.problem.message,
            "file": (place.source.name or None) if place else None,
            "line": place.line if place else None,
        }


@dataclass(frozen=True)
class Blocked:
    """A resource that was left alone, because one that it needs failed."""

    key: str
    kind: str
    action: str
    because: tuple[str, ...]
    """The keys that failed or are blocked themselves."""

    def to_json(self) -> dict[str, object]:
        """The resource in the shape that `mdf deploy --json` documents."""
        return {"key": self.key, "because": list(self.because)}


@dataclass(frozen=True)
class DeployResult:
    """What a deploy came to. Running it again does only what is left."""

    target: str
    done: tuple[Done, ...] = ()
    failed: tuple[Failed, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    warnings: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    """Where contents of tables lie now, and what is left to say by hand."""

    @property
    def succeeded(self) -> bool:
        """Whether everything is as the definitions want it."""
        return not self.failed and not self.blocked

    @property
    def failure(self) -> DeployError | None:
        """The error that a command ends with."""
        if self.succeeded:
            return None
        return DeployError(*(item.problem for item in self.failed))

    def to_json(self) -> dict[str, object]:
        """The result in the shape that `mdf deploy --json` documents."""
        return {
            "target": self.target,
            "done": [item.to_json() for item in self.done],
            "failed": [item.to_json() for item in self.failed],
            "blocked": [item.to_json() for item in self.blocked],
        }

    def text(self) -> str:
        """The result for a person."""
        lines = [
            f"{item.action:<8}{item.kind} {item.key} ({item.remote_id})"
            for item in self.done
        ]
        lines += [str(item.problem) for item in self.failed]
        lines += [str(problem) for problem in self.warnings]
        lines += self.notes
        return "\n".join([*lines, self._note()])

    def stopped(self, steps: int) -> str:
        """A sentence for a deploy that ended before its time.

        Args:
            steps: How many steps it had before it.
        """
        done = ", ".join(item.key for item in self.done) or "nothing"
        left = steps - len(self.done)
        return (
            f"Done: {done}. Left: {count(left, 'step')}. "
            "Run it again: it does only what is left."
        )

    def _note(self) -> str:
        if not self.done and self.succeeded:
            return f"{self.target} is up to date."
        blocked = ", ".join(item.key for item in self.blocked)
        parts = [
            f"{len(self.done)} done",
            f"{len(self.failed)} failed" if self.failed else "",
            f"{len(self.blocked)} blocked by that ({blocked})" if blocked else "",
        ]
        again = "" if self.succeeded else " Run it again: it does only what is left."
        return f"{self.target}: {', '.join(part for part in parts if part)}.{again}"


@dataclass(frozen=True)
class Progress:
    """One resource or file has got further."""

    key: str
    kind: str
    """`job`, `pipeline`, or `file` with its path as the key."""
    action: str
    status: str
    """`started`, `done`, `failed` or `blocked`."""
    detail: str = ""
    """The remote id, or what went wrong."""


type OnProgress = Callable[[Progress], None]
