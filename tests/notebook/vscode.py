"""VS Code in a browser (code-server): it shows saved notebooks as VS Code does."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error

from tests.notebook.jupyterlab import ARTEFACTS, SECONDS, free_port, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

PATIENCE = 240
"""Seconds that VS Code may take to show a notebook on a busy machine."""

_SETTINGS = {
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "window.autoDetectColorScheme": False,
    "workbench.colorTheme": "Default Light Modern",
    "chat.disableAIFeatures": True,
    "telemetry.telemetryLevel": "off",
    "extensions.ignoreRecommendations": True,
}
"""With these VS Code shows little but the notebook, in a light theme."""


@contextmanager
def code_server(entry: str, home: Path) -> Iterator[str]:
    """VS Code on loopback; its settings lie in a folder of its own."""
    port = free_port()
    node = Path(entry).parents[3] / ".bin" / "node"
    words = ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}"]
    words += ["--config", str(home / "config.yaml")]
    words += ["--user-data-dir", str(home / "data")]
    words += ["--extensions-dir", str(home / "extensions")]
    words += ["--disable-telemetry", "--disable-update-check"]
    (home / "config.yaml").write_text("")
    settings = home / "data" / "User" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(_SETTINGS))
    log = (home / "server.log").open("w")
    process = subprocess.Popen(
        [node, entry, *words], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def open_notebook(page: Page, server: str, file: Path) -> Frame:
    """Open a notebook from the explorer, as a person does.

    Returns:
        The frame in which VS Code renders the notebook's outputs.
    """
    page.goto(f"{server}/?folder={file.parent}", timeout=PATIENCE * 1000)
    entry = page.locator(".explorer-folders-view .monaco-list-row", has_text=file.name)
    entry.first.wait_for(timeout=PATIENCE * 1000)
    text_editor = page.locator(".editor-group-container .monaco-editor")
    tab = page.locator(".tab", has_text=file.name)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if frame := _output_frame(page):
            return frame
        if not tab.count():
            entry.first.dblclick(timeout=SECONDS)
        elif text_editor.count() and not page.locator(".notebookOverlay").count():
            # Before VS Code has its extensions together, it shows a notebook as JSON.
            tab.locator(".tab-actions a").first.click(timeout=SECONDS)
        page.wait_for_timeout(500)
    picture(page, "vscode-failed")
    message = f"VS Code shows no outputs of {file.name}"
    raise TimeoutError(message)


def _output_frame(page: Page) -> Frame | None:
    """The frame that shows outputs, once there are some."""
    for frame in page.frames:
        with suppress(Error):  # it may be gone by now
            if frame.locator(".output_container").count():
                return frame
    return None


def toggle_theme(page: Page, frame: Frame) -> None:
    """From light to dark, by VS Code's own command."""
    page.keyboard.press("F1")
    words = page.locator(".quick-input-widget input")
    words.first.fill(">Toggle between Light/Dark Themes", timeout=SECONDS)
    command = page.locator(".quick-input-list .monaco-list-row", has_text="Toggle")
    command.first.click(timeout=SECONDS)
    frame.wait_for_selector("body.vscode-dark", state="attached", timeout=SECONDS)


def picture(page: Page, name: str) -> bytes:
    """A screenshot of the page, kept as an artefact."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return page.screenshot(path=ARTEFACTS / f"{name}.png")
