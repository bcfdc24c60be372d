"""JupyterLab in a browser: a server on loopback, and a notebook that is clicked."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SECONDS = 45_000
"""Milliseconds that anything may take in the browser on a busy machine."""

ARTEFACTS = Path(__file__).parents[2] / "build" / "screenshots"


def notebook_of(cells: Sequence[str]) -> dict[str, Any]:
    """A notebook of code cells."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(url: str) -> None:
    """Until a server answers."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(0.5)
        else:
            return
    message = f"{url} does not answer"
    raise TimeoutError(message)


@contextmanager
def lab_server(folder: Path, home: Path) -> Iterator[str]:
    """A JupyterLab that serves a folder; its settings lie in a folder of its own."""
    port = free_port()
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own = {name: str(home / name.lower()) for name in (*names, "IPYTHONDIR")}
    words = ["--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1"]
    settings = {"ServerApp.root_dir": str(folder), "IdentityProvider.token": ""}
    settings |= {"LabApp.news_url": "None"}
    words += [f"--{key}={value}" for key, value in settings.items()]
    log = (home / "server.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words],
        env=os.environ | own,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=folder,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Debian's browser, which loads nothing from elsewhere."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
    arguments += ["--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class OnboardingForm:
    """The form of `%mdf_onboard` in a cell's output, as one clicks it."""

    def __init__(self, cell: Locator) -> None:
        """Wait until it is drawn."""
        self._cell = cell
        self._cell.locator(".widget-select-multiple select").wait_for(timeout=SECONDS)

    def choose(self, schema: str, *tables: str) -> None:
        """Look into a schema, and choose tables and no others."""
        schemas = self._cell.locator(".widget-dropdown", has_text="schema")
        schemas.locator("select").select_option(schema, timeout=SECONDS)
        listed = self._cell.locator(".widget-select-multiple select")
        listed.locator("option", has_text=tables[0]).first.wait_for(
            state="attached", timeout=SECONDS
        )
        listed.select_option([*tables], timeout=SECONDS)
        self.wait_for(f"{len(tables)} chosen")

    def click(self, button: str) -> None:
        """Click a button, once it can be clicked."""
        self._cell.get_by_role("button", name=button, exact=True).click(timeout=SECONDS)

    def wait_for(self, text: str) -> None:
        """Until the form shows a text."""
        self._cell.get_by_text(text).first.wait_for(timeout=2 * SECONDS)


class LabNotebook:
    """A notebook that is open in JupyterLab."""

    def __init__(self, page: Page, server: str, file: Path) -> None:
        """Open a notebook that lies in the server's folder."""
        self.page = page
        self.folder = file.parent
        self._url = f"{server}/lab/tree/{file.name}?reset"
        self.open()

    def open(self) -> None:
        """Load the page, anew if it is there; ends with an idle kernel."""
        self.page.goto(self._url, timeout=SECONDS)
        self.page.wait_for_selector(".jp-Notebook", timeout=SECONDS)
        self._idle(30)

    def _idle(self, seconds: float) -> None:
        """Wait for the kernel; answer the question for one on the way."""
        idle = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            accept = self.page.locator(".jp-Dialog .jp-mod-accept")
            if accept.count():
                accept.first.click()
            elif self.page.locator(idle).count():
                self.page.wait_for_timeout(300)
                if not accept.count() and self.page.locator(idle).count():
                    return
            self.page.wait_for_timeout(100)
        message = "the kernel is not idle"
        raise TimeoutError(message)

    def cell(self, number: int) -> Locator:
        return self.page.locator(".jp-CodeCell").nth(number)

    def run(self, number: int) -> str:
        """Run a cell; its output as one reads it."""
        prompt = self.cell(number).locator(".jp-InputPrompt")
        before, begun = prompt.inner_text(), False
        end = time.monotonic() + SECONDS / 1000
        while not begun or not re.search(r"\[\d+\]", prompt.inner_text()):
            if time.monotonic() > end:
                self.picture("failed")
                message = f"cell {number} does not end: {prompt.inner_text()}"
                raise TimeoutError(message)
            if not begun or prompt.inner_text().startswith("[ ]"):
                # A question for a kernel was in the way, or its answer lost the cell.
                self._idle(30)
                self.cell(number).locator(".cm-content").click()
                self.page.keyboard.press("Control+Enter")
                self.page.wait_for_timeout(1000)
                begun = prompt.inner_text() != before
            self.page.wait_for_timeout(100)
        self.page.wait_for_timeout(300)
        return self.output(number)

    def output(self, number: int) -> str:
        outputs = self.cell(number).locator(".jp-OutputArea-output")
        return "\n".join(outputs.all_inner_texts())

    def type(self, number: int, text: str) -> None:
        """Replace a cell's text."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def completions(self, number: int, text: str) -> list[str]:
        """What Tab offers at the end of a text."""
        self.type(number, text)
        self.page.keyboard.press("Tab")
        items = self.page.locator(".jp-Completer-item")
        items.first.wait_for(timeout=SECONDS)
        found = items.locator(".jp-Completer-match").all_inner_texts()
        self.page.keyboard.press("Escape")
        return found

    def save(self) -> None:
        self.page.keyboard.press("Control+S")
        self.page.wait_for_timeout(1500)

    def restart_kernel(self) -> None:
        """From the menu, with a yes to its question."""
        with self.page.expect_response(
            lambda response: "/restart" in response.url, timeout=SECONDS
        ):
            self._menu("Kernel", "Restart Kernel")
            self.page.locator(".jp-Dialog .jp-mod-accept").first.click()
        self._idle(60)

    def dark(self) -> None:
        self._menu("Settings", "Theme", "JupyterLab Dark")
        dark = "body[data-jp-theme-light=false]"
        self.page.wait_for_selector(dark, state="attached", timeout=SECONDS)
        self.page.wait_for_timeout(1500)

    def _menu(self, *labels: str) -> None:
        self.page.locator(".lm-MenuBar-itemLabel", has_text=labels[0]).first.click()
        for label in labels[1:]:
            self.page.locator(".lm-Menu-itemLabel", has_text=label).first.click()

    def picture(self, name: str) -> bytes:
        """A screenshot of the notebook, kept as an artefact."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        return self.page.screenshot(path=ARTEFACTS / f"{name}.png")


def write_notebook(file: Path, cells: Sequence[str]) -> Path:
    file.write_text(json.dumps(notebook_of(cells)))
    return file
