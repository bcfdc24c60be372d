"""What every result has, and the simplest one: a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from mdf_magics.errors import MdfError, Problem


class Result(Protocol):
    """What a verb returns."""

    def text(self) -> str:
        """For people, without colour."""

    def to_json(self) -> Any:
        """For programs, one object."""


@dataclass(frozen=True)
class Message:
    """A sentence."""

    sentence: str
    warnings: tuple[Problem, ...] = ()

    def text(self) -> str:
        """The sentence, and warnings below it."""
        return "\n\n".join([self.sentence, *map(str, self.warnings)])

    def to_json(self) -> dict[str, Any]:
        """The sentence as `message`."""
        return {"message": self.sentence}


def formatted(result: Any, chosen: str) -> str:
    """A result in one of the formats that its verb offers: `text`, `json`, its own."""
    if chosen == "json":
        return json.dumps(result.to_json(), indent=2, default=str)
    text: str = getattr(result, chosen)()
    return text


def failure_of(result: Result) -> MdfError | None:
    """The error that a shown result still is: a cell or a command must fail with it."""
    failure: MdfError | None = getattr(result, "failure", None)
    return failure
