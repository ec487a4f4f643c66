"""The methods paragraph and the references: from what is saved, and of what was used."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from report.factories import NAMES, bags, change, peak, results, rows

from repalign.figures.view import View
from repalign.metrics import METRICS
from repalign.models.pooling import POOLINGS
from repalign.models.sites import SITES
from repalign.report import methods as texts
from repalign.report.methods import methods
from repalign.report.references import PAPER, URL, bibtex, references, sources
from repalign.scoring.variants import VARIANTS

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_cites_what_its_declaration_names(metric):
    named = set(re.findall(r"(?:arXiv|doi):\S+?(?=[,;]|$)", METRICS[metric].reference))
    cited = sources(metric)
    assert {one.id for one in cited if one.id} == named
    for one in cited:
        if not one.id:
            family = one.authors[0].partition(",")[0]
            assert f"{family} et al. {one.year}" in METRICS[metric].reference


def test_references_are_used_once_and_dated():
    found = references()
    assert len({one.key for one in found.values()}) == len(found)
    assert {metric for one in found.values() for metric in one.metrics} <= set(METRICS)
    for one in found.values():
        assert one.metrics or one.key == PAPER
        if one.id.startswith("arXiv:"):
            assert str(one.year) == f"20{one.id[6:8]}"


def test_repalign_and_its_paper_are_cited_as_in_the_repository():
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    (article,) = cited["references"]
    paper = references()[PAPER]
    assert cited["repository-code"] == URL
    assert paper.title == article["title"]
    assert list(paper.authors) == [
        f"{one['family-names']}, {one['given-names']}" for one in article["authors"]
    ]


def test_bibtex_has_each_entry_once():
    text = bibtex(["mexa", "xsim_ratio", "xsim_distance", "one of a user"], "0.1.0")
    keys = re.findall(r"^@\w+\{(\w+),$", text, re.M)
    assert keys == ["repalign", PAPER, "kargaran2024mexa", "artetxe2018margin", "heffernan2022bitext"]
    assert text.count("{") == text.count("}")


def test_every_site_pooling_and_variant_is_in_words():
    assert texts.SITES.keys() == set(SITES)
    assert texts.POOLINGS.keys() == {name for name in POOLINGS if POOLINGS[name].source == ""}
    assert texts.VARIANTS.keys() <= set(VARIANTS)


def said(*parts, **options) -> str:
    made = results(*parts, labels=NAMES, **options)
    signatures = {"tuned": "tuned@1f2e|everyday#9c1e|raw|mean|resid|float32|repalign:0.1.0"}
    about = {"versions": {"repalign": "0.1.0", "torch": "2.9"}, "date": "2026-01-02"}
    return methods(View(replace(made, profile=replace(made.profile, signatures=signatures), about=about)))


def test_the_paragraph_says_what_was_done():
    text = said(rows(), peak(), tables=bags(), draws=1000, permutations=200, interval="bca", seed=3)
    for part in (
        "alignment of Chinese with English in tuned (weights 1f2e)",
        "the corpus everyday (text 9c1e): 240 parallel sentences, whose documents are unknown",
        "Hidden states in float32 were read from the residual stream",
        "at 3 layers (0 to 2), with no prompt template",
        "MEXA (Kargaran et al., 2024)",
        "on centred states",
        "against shuffled translations: by closed forms where these exist, otherwise by 200 permutations",
        "(Holm)",
        "BCa bootstrap intervals with 1,000 draws over sentences",
        "cross-fitted",
        "Controls: bag-of-tokens: token counts",
        "Computed on 2026-01-02 with repalign 0.1.0 and torch 2.9 (seed 3).",
    ):
        assert part in text
    assert "paired" not in text


def test_documents_and_differences_change_what_is_said():
    text = said(rows(), change(), documents=31)
    assert "240 parallel sentences in 31 documents" in text
    assert "shuffled translations within documents" in text
    assert "draws over documents" in text
    assert "score intervals" not in text
    assert "paired on the same sentences" in text
    assert "No controls were computed." in text
