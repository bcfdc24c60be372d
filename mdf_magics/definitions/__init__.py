"""Definitions: what people write, read with positions and edited without loss."""
