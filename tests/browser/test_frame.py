"""A report in a notebook: the whole page in a frame, closed towards the notebook and the network."""

from __future__ import annotations

import pytest
from browser.conftest import listened

from repalign import report
from repalign.report import Report

pytestmark = pytest.mark.browser


def test_a_page_works_in_a_frame_that_reaches_nothing(chromium, results, tmp_path):
    notebook = tmp_path / "notebook.html"
    shown = Report(results("single"))._repr_html_()
    notebook.write_text(f"<!doctype html><meta charset=utf-8><title>secret</title>{shown}", encoding="utf-8")
    page, said = listened(chromium, notebook)
    frame = page.frames[1]
    frame.wait_for_selector("#metric")
    frame.select_option("#metric", "cka")
    frame.wait_for_function("document.getElementById('metric').value === 'cka'")
    assert "CKA" in frame.locator(".answers:visible").first.inner_text()
    frame.focus("a.skip")
    frame.press("a.skip", "Enter")
    page.wait_for_timeout(200)
    assert frame.url == "about:srcdoc", "the link did not load the notebook into the frame"
    assert frame.evaluate("try { parent.document.title } catch (error) { error.name }") == "SecurityError"
    assert said == []
    page.close()


def test_a_large_page_is_not_put_into_a_notebook(results, monkeypatch):
    monkeypatch.setattr(report, "MAX_FRAME", 1000)
    said = Report(results("single"))._repr_html_()
    assert len(said) < 500
    assert 'write("report.html")' in said
