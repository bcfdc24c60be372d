"""A query that only ends when somebody stops it."""

from __future__ import annotations

import threading

from mdf_magics.engines import Engine
from mdf_magics.errors import EngineError

ENDLESS = "SELECT count(*) FROM range(0, 100000000000) WHERE id % 7 = sqrt(id)"


class EndlessQuery(threading.Thread):
    """It, in a thread of its own that has been started."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self.raised: list[EngineError] = []
        self.start()

    def run(self) -> None:
        try:
            self._engine.preview(ENDLESS, 1)
        except EngineError as error:
            self.raised.append(error)
