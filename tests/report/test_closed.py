"""Pages as a parser reads them: whatever the text, it is text, and the page's data stay in their script element."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from factories import sample_results
from hostile import (
    hostile_evaluation,
    hostile_inside,
    hostile_quantisation,
    hostile_results,
    hostile_study,
    hostile_suspects,
)

from repalign.figures import draw
from repalign.figures.exporting import export
from repalign.figures.names import LONGEST, Names, shortened, width
from repalign.report.evaluation import render_evaluation
from repalign.report.inside import render_inside
from repalign.report.page import render
from repalign.report.quantisation import render_quantisation
from repalign.report.scaling import render_scaling
from repalign.report.suspects import render_suspects

RENDERED = {
    "layers": lambda: render(hostile_results(sample_results("alpaca", "m-llama", **SMALL), 0)),
    "evaluation": lambda: render_evaluation(hostile_evaluation(0)),
    "inside": lambda: render_inside(hostile_inside(0)),
    "suspects": lambda: render_suspects(hostile_suspects(0)),
    "quantisation": lambda: render_quantisation(hostile_quantisation(0)),
    "scaling": lambda: render_scaling(*hostile_study(0)),
}
SMALL = {"languages": ("en", "ar", "hi", "zh"), "layers": 5, "sentences": 24, "dim": 12}
PIECES = (
    "<",
    ">",
    "&",
    "'",
    '"',
    "</script",
    "<!--",
    "-->",
    "]]>",
    "%{",
    "}",
    "$",
    "{{",
    "}}",
    "\\",
    "\n",
    "\x00",
    "&lt;",
)


class Page(HTMLParser):
    """Counts elements, and keeps the text of scripts and all attributes."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += attrs
        self._in_script = tag == "script"

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.scripts.append(data)


def random_text(generator: random.Random) -> str:
    """Text of all planes, but for surrogates, with markup in between."""
    points = (
        generator.randrange(1 << generator.choice((7, 8, 12, 16, 20)))
        for _ in range(generator.randrange(1, 12))
    )
    letters = [chr(point) for point in points if not 0xD800 <= point < 0xE000]
    mixed = [*letters, *generator.choices(PIECES, k=4)]
    generator.shuffle(mixed)
    return "".join(mixed)


@pytest.mark.parametrize("kind", RENDERED)
def test_random_text_leaves_a_page_its_elements(monkeypatch, kind):
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: "0")
    generator = random.Random(kind)
    for _ in range(2):
        texts = tuple(random_text(generator) + str(number) for number in range(32))
        monkeypatch.setattr("hostile.HOSTILE", texts)
        html = RENDERED[kind]()
        page = Page(html.encode("utf-8", "replace").decode())
        assert set(page.elements) <= {
            "html", "head", "meta", "title", "link", "style", "body", "a", "header", "div", "h1", "h2", "h3", "p", "button",
            "main", "section", "form", "label", "span", "select", "option", "input", "output", "figure", "figcaption", "bdi",
            "small", "nav", "details", "summary", "ul", "li", "dl", "dt", "dd", "pre", "code", "table", "thead", "tbody", "tr", "th",
            "td", "b", "i", "sub", "sup", "script", "template", "ol", "kbd", "svg", "polyline",
        }  # fmt: skip
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        ids = {f"#{value}" for name, value in page.attributes if name == "id"}
        assert {value for name, value in page.attributes if name in ("href", "src")} <= {"data:,", *ids}
        data = json.loads(page.scripts[0])
        assert data["config"]["plotlyServerURL"] == ""
        assert page.elements["script"] == len(page.scripts)


def test_every_page_names_its_scripts_in_its_policy(monkeypatch, tmp_path):
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: "0")
    figure = export(draw("curves", sample_results("m-llama", **SMALL)), tmp_path / "figure.html")
    for html in (*(rendered() for rendered in RENDERED.values()), figure.read_text(encoding="utf-8")):
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert "script-src 'unsafe" not in policy
        for closed in ("base-uri 'none'", "form-action 'none'"):
            assert closed in policy
        own = [text for text in Page(html).scripts if not text.startswith("{")]
        assert policy.count("'sha256-") == len(own)


def test_what_a_notebook_shows_holds_no_markup_of_the_data():
    for shown in (
        hostile_results(sample_results("m-llama", **SMALL), 0),
        hostile_evaluation(20),
        hostile_inside(0),
    ):
        html = shown._repr_html_()
        assert len(html) < 100_000
        known = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "svg", "polyline"}
        assert set(Page(html).elements) <= known
        assert html.count("mathjax_ignore") >= 2, "title and table"


def test_names_stay_distinct_and_short():
    generator = random.Random(0)
    ends = ["Z" * 10_000 + str(number) for number in range(30)]
    given = [
        *ends,
        *(random_text(generator) for _ in range(200)),
        "Z" * 23 + "…" + "Z" * 21 + "10",
        " a",
        "a",
        "a ",
        "",
    ]
    names = Names(given)
    shown = {name: names(name) for name in given}
    assert len(set(shown.values())) == len(set(given))
    assert max(map(width, shown.values())) <= LONGEST + 2, (
        "with isolates around names written from right to left"
    )
    assert names("a") == "a"
    assert names.full["a (2)"] == " a"
    assert len(max(names.full.values(), key=len)) <= 300


def test_short_names_and_texts_are_unchanged():
    given = ["en", "zh-Hans", "meta-llama/Llama-3.2-1B-Instruct", "中文", "0.5"]
    names = Names(given)
    assert [names(name) for name in given] == given
    assert names.full == {}
    assert names({"en": ["a\ntext", 3, None]}) == {"en": ["a\ntext", 3, None]}
    assert shortened("abc", 3) == "abc"
