"""Items: which of them are sampled."""

from __future__ import annotations

from repalign.evaluation.items import Item, sampled


def test_sampled_questions_are_the_same_in_every_language():
    items = [Item(str(row), lang, "", "", ("x",)) for lang in ("en", "zh") for row in range(50)]
    chosen = sampled(items, 7)
    ids = {lang: [item.id for item in chosen if item.language == lang] for lang in ("en", "zh")}
    assert len(ids["en"]) == 7
    assert ids["en"] == ids["zh"]
    assert [item.id for item in sampled(items, 7, seed=1)] != [item.id for item in chosen]
    assert sampled(items, None) == items
