"""What only the embedded engine is asked."""

from __future__ import annotations

import pytest

from mdf_magics.errors import EngineError


def test_a_closed_engine_says_so(new_engine):
    engine = new_engine()
    engine.close()
    with pytest.raises(EngineError, match="the embedded engine was closed"):
        engine.preview("SELECT 1", 1)
    engine.cancel()
    engine.close()
