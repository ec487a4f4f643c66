"""A real Chromium that never reaches the network; every page must stay silent and ask for nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from factories import sample_results

from repalign.report import Report
from repalign.results.results import Results

SMALL = {"languages": ("en", "ar", "hi", "zh"), "layers": 5, "sentences": 24, "dim": 12}
KINDS = {"single": ("m-llama",), "compare": ("alpaca", "m-llama"), "series": ("base", "alpaca", "m-llama")}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        path = (
            shutil.which("chromium") or shutil.which("google-chrome") or playwright.chromium.executable_path
        )
        if not Path(path).exists():
            pytest.skip("no Chromium available: apt-get install chromium, or playwright install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Callable[[str], Results]:
    """results("compare"): as read back from disk."""

    def load(kind: str) -> Results:
        folder = tmp_path_factory.getbasetemp() / kind
        if not folder.exists():
            sample_results(*KINDS[kind], **SMALL).save(folder)
        return Results.load(folder)

    return load


@pytest.fixture(scope="session")
def opened(chromium, results, tmp_path_factory) -> Callable[..., tuple[object, list[str]]]:
    """A page and what it said. A page is opened once a session, as parsing Plotly takes a second."""
    pages: dict[object, tuple[object, list[str]]] = {}

    def open_once(what: str | Results) -> tuple[object, list[str]]:
        key = what if isinstance(what, str) else id(what)
        if key not in pages:
            folder = tmp_path_factory.mktemp("page")
            path = Report(results(what) if isinstance(what, str) else what).write(folder / "report.html")
            pages[key] = listened(chromium, path)
        return pages[key]

    return open_once


@pytest.fixture(scope="module")
def silent(chromium) -> Iterator[Callable[[Path], object]]:
    """silent(path): a page, opened; at the end it has said nothing and asked for nothing."""
    pages = []

    def open_it(path: Path) -> object:
        pages.append(listened(chromium, path))
        return pages[-1][0]

    yield open_it
    for page, said in pages:
        page.close()
        assert said == []


def listened(chromium, path: Path) -> tuple[object, list[str]]:
    """A page and what it says from now on: lines on the console, errors, requests for anything but itself."""
    page, said = chromium.new_page(reduced_motion="reduce"), []
    page.on("console", lambda message: said.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda asked: said.append(asked.url) if not _own(asked.url, path) else None)
    page.goto(path.as_uri())
    return page, said


@pytest.fixture
def open_page(opened) -> Iterator[Callable[..., object]]:
    """open_page(what, width=1280, scheme="light", address="#"): the page of results or of a kind, as new."""
    heard: list[list[str]] = []

    def open_it(what: str | Results, width: int = 1280, scheme: str = "light", address: str = "#") -> object:
        page, said = opened(what)
        heard.append(said)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.mouse.move(0, 0)
        page.evaluate("(address) => { location.hash = '#x=1'; location.hash = address; }", address)
        page.wait_for_timeout(50)  # for the events of both changes
        return page

    yield open_it
    assert [line for said in heard for line in said] == []


def _own(url: str, path: Path) -> bool:
    return url.startswith((path.as_uri(), "data:", "blob:"))


@pytest.fixture(scope="session")
def serious() -> Callable[..., list[str]]:
    """serious(page, rules="{}"): what axe-core finds on a page that is serious or critical."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    axe = Path(package.__file__).with_name("axe.min.js").read_text(encoding="utf-8")

    def find(page, rules: str = "{}") -> list[str]:
        page.evaluate(axe)
        found = page.evaluate(f"axe.run({rules})")["violations"]
        return [
            f"{v['id']}: {v['nodes'][0]['html'][:200]}"
            for v in found
            if v["impact"] in ("serious", "critical")
        ]

    return find
