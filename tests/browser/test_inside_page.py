"""The page of what is inside checkpoints in a real browser: all drawn, offline, readable by anyone."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from repalign.report.inside import write_inside
from repalign.results.inside import Inside

LANGUAGES = ["en", "zh", "ar"]
HOSTILE = "m<b onmouseover=alert(1)>"


@pytest.fixture(scope="module")
def found():
    generator = np.random.default_rng(0)

    def spread(rows, columns):
        table = pd.DataFrame(rows, columns=columns).assign(checkpoint=HOSTILE, depth=0.5, sentences=50)
        value = generator.uniform(0, 0.5, len(table))
        return table.assign(value=value, low=value - 0.1, high=value + 0.1)

    measures = [*(("probability", language) for language in LANGUAGES), ("entropy", None)]
    lens = [
        (text, layer, *measure) for text, layer, measure in itertools.product(LANGUAGES, range(5), measures)
    ]
    neurons = pd.DataFrame(
        {"layer": [1, 1, 3], "neuron": [4, 9, 2], "language": ["en", "zh", "ar"], "checkpoint": HOSTILE}
    )
    changes = [
        *(("neurons", of, np.nan, text, "loss") for of, text in itertools.product(LANGUAGES, LANGUAGES)),
        *(
            ("subspace", None, layer, text, outcome)
            for layer, text, outcome in itertools.product((1, 2, 3), LANGUAGES, ("loss", "own", "p_at_1"))
        ),
        *(
            ("steering", of, layer, of, outcome)
            for layer, of, outcome in itertools.product((1, 2, 3), LANGUAGES[1:], ("own", "pivot"))
        ),
    ]
    taken = spread(changes, ["intervention", "of", "layer", "language", "outcome"])
    taken = taken.assign(
        size=3, baseline=1.0, control=0.01, control_low=0.0, control_high=0.02, p=0.01, p_adjusted=0.03
    )
    return Inside(
        title=f"{HOSTILE} inside",
        signatures={HOSTILE: "signature"},
        tables={
            "lens": spread(lens, ["language", "layer", "measure", "toward"]),
            "neurons": neurons,
            "interventions": taken,
        },
        settings={
            "pivot": "en",
            "languages": LANGUAGES,
            HOSTILE: {"tokens of languages": dict.fromkeys(LANGUAGES, 7), "notes": ["a note"]},
        },
    )


@pytest.fixture(scope="module")
def page(silent, found, tmp_path_factory):
    return silent(write_inside(found, tmp_path_factory.mktemp("inside") / "report.html"))


def test_every_figure_is_drawn_when_it_comes_into_sight(page):
    plots = page.locator(".plot")
    assert plots.count() == 3 + 2 + 3 + 2
    for number in range(plots.count()):
        plots.nth(number).scroll_into_view_if_needed()
        plots.nth(number).locator(".main-svg").first.wait_for(timeout=5000)


def test_names_are_text(page):
    assert page.locator("b").count() == 0
    assert HOSTILE in page.locator("h1").text_content()


def test_axe_finds_nothing_serious(page, serious):
    assert serious(page) == []
