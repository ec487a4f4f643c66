"""Small results, and what a page shows of them."""

from __future__ import annotations

import pytest
from factories import sample_states

from repalign.results.results import Results

pytestmark = pytest.mark.browser


def scroll_through(page) -> None:
    """Every figure is drawn when it comes near the screen."""
    page.evaluate(
        """async () => { for (const plot of document.querySelectorAll('.plot')) {
          plot.scrollIntoView();
          for (let frame = 0; frame < 300 && !plot.data; frame++) await new Promise(requestAnimationFrame);
        } }"""
    )


def wait(page, expression: str) -> None:
    """Until it is true; Playwright's own way evaluates strings, which the page's policy forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def plotted(page, figure: str) -> dict[str, list[float]]:
    """Name of each line -> its values, as Plotly holds them."""
    wait(page, f"document.getElementById('{figure}').data")
    return page.evaluate(
        "(id) => Object.fromEntries(document.getElementById(id)._fullData.map(t => [t.name, [...t.y]]))",
        figure,
    )


def expected(results: Results, **equal: object) -> dict[str, list[float]]:
    rows = results.profile.where(baseline=None, source="en", **equal).table.sort_values("layer")
    return {name: list(own["value"]) for name, own in rows.groupby("target")}


def sample_small(checkpoint: str, layers: int = 5):
    return sample_states(
        checkpoint, 1.0, languages=("en", "ar", "hi", "zh"), layers=layers, sentences=24, dim=12
    )
