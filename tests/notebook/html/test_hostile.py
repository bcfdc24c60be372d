"""Table data is hostile: nothing of it runs in a browser, wherever it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mdf_magics.deploying.plan import Action, Plan
from mdf_magics.deploying.result import Blocked, DeployResult, Done, Failed
from mdf_magics.deploying.workspaces.protocol import TableRun
from mdf_magics.engines.protocol import Column, Rows
from mdf_magics.errors import Place, Problem, Source
from mdf_magics.notebook.display import _progress
from mdf_magics.notebook.html import render
from mdf_magics.results import (
    Added,
    AddedAll,
    Changed,
    Definition,
    Listed,
    ListedTable,
    Message,
    Previewed,
    Ran,
    Validated,
)
from mdf_magics.running.preview import ExpectationResult, Preview
from mdf_magics.running.rehearsal import Change, NextRun
from tests.notebook.jupyterlab import chromium
from tests.notebook.payloads import HIT, PAYLOADS

if TYPE_CHECKING:
    from playwright.sync_api import Page

OURS = {"b", "br", "details", "div", "p", "pre", "small", "span", "style", "summary"}
OURS |= {"table", "tbody", "td", "th", "thead", "tr", "html", "head", "body"}


def shown_with(text: str) -> list[str]:
    """Every kind of output, with a text wherever text can come from elsewhere."""
    problem = Problem(text, text, text, Place(Source(text, f"# {text}"), 1, 1, 5))
    rows = Rows(
        (Column(text, text), Column("x", "map")), ((text, {text: text}),), more=True
    )
    change = NextRun((Change("updated", 1, rows),), counted=True, columns=(text,))
    failing = ExpectationResult(text, text, "drop", 1, 1, rows)
    preview = Previewed(
        Preview(text, rows, (failing,), {text: "read"}, 1.0, 1, (problem,), change),
        text,
    )
    diff = f"--- a/{text}\n+++ b/{text}\n@@ {text}\n+# {text}\n-{text}"
    added = Added(text, "tables", preview, {text: rows.columns}, text, 1, diff, saved=True,
                  inherited={text: text}, warnings=(problem,))  # fmt: skip
    listed = ListedTable(text, text, text, text, (), text, text, text, 1, (text,))
    action = Action(text, text, "create", reasons=(text,), tables=(text,))
    result = DeployResult(
        text, (Done(text, text, text, text, text),), (Failed(text, text, text, problem),),
        (Blocked(text, text, text, (text,)),), (problem,),
    )  # fmt: skip
    results: list[Any] = [
        preview,
        AddedAll((added,)),
        Listed((listed,)),
        Plan(text, (action,)),
        result,
        Ran(text, (TableRun(text, text, error=text),), text),
        Message(text, (problem,)),
        Changed(text, diff, (text,)),
        Definition(text, text, 1, text),
        Validated((problem,), 1, text),
    ]
    progress = [
        _progress(one, 1)["text/html"] for one in (text, f"{text}\n{text}: {text}")
    ]
    return [*map(render, results), *progress]


@pytest.fixture(scope="module")
def page(tool: Callable[[str], str]) -> Iterator[Page]:
    with chromium(tool("chromium")) as browser:
        yield browser.new_page()


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_nothing_runs(page: Page, number: int) -> None:
    page.set_content("".join(shown_with(PAYLOADS[number])))
    page.wait_for_timeout(50)

    tags = page.evaluate(
        "[...document.querySelectorAll('*')].map(one => one.localName)"
    )
    handlers = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())"
        ".filter(one => one.startsWith('on') || one === 'href' || one === 'src')"
    )
    assert page.evaluate("window.hit") is None
    assert set(tags) <= OURS
    assert handlers == []


@pytest.mark.needs("chromium")
def test_this_would_notice(page: Page) -> None:
    page.set_content(PAYLOADS[1])
    page.wait_for_function(HIT.replace("=", "==="))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_tag_is_let_through(payload: str) -> None:
    for output in shown_with(payload):
        inside = output.partition("</style>")[2]
        assert "<script" not in inside.lower()
        assert "<img" not in inside
        assert "<svg" not in inside
        assert "' onmouseover='" not in inside
