"""The glossary of a page: what it explains, and where."""

from __future__ import annotations

from repalign.metrics import METRICS
from repalign.report.glossary import Glossary, terms


def test_every_metric_is_explained():
    assert terms().keys() >= set(METRICS)


def test_forms_are_of_one_term():
    forms = [form for term in terms().values() for form in (term.name, *term.also)]
    assert len(set(forms)) == len(forms)


def test_a_term_is_linked_where_it_first_occurs():
    glossary = Glossary()
    html = glossary.explained("MEXA and P@1 <b>; MEXA again; MEXAS; mexa-like CKA (debiased)")
    assert html.count('class="term"') == 3
    assert html.startswith('<a class="term" href="#term-mexa">MEXA</a> and <a')
    assert "&lt;b&gt;; MEXA again; MEXAS; mexa-like <a" in html
    assert [term.id for term in glossary.used()] == ["cka", "mexa", "p_at_1"]


def test_what_no_text_names_can_be_included():
    glossary = Glossary()
    glossary.include(["anc", "custom"])
    assert [term.name for term in glossary.used()] == ["ANC"]
