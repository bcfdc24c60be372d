"""The notebook's face: magics, rich display, progress."""
