"""Scores of translations are sacrebleu's."""

from __future__ import annotations

import pytest
from evaluation.factories import asked

from repalign.errors import RepalignError
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.translation import is_available


@pytest.mark.parametrize(
    ("scorer", "language"), [("bleu", "en"), ("bleu", "zh"), ("chrf", "tr"), ("chrf", "zh")]
)
def test_translation_scores_equal_sacrebleus(scorer, language):
    sacrebleu = pytest.importorskip("sacrebleu")
    right = {"zh": ["狗在院子里睡觉。", "两只鸟在唱歌。"]}.get(
        language, ["The dog sleeps outside today.", "Two birds sing in a tree."]
    )
    said = [right[0], right[1][:-5]]
    metric = (
        sacrebleu.CHRF(word_order=2)
        if scorer == "chrf"
        else sacrebleu.BLEU(tokenize="zh" if language == "zh" else "13a")
    )
    found = SCORERS[scorer].measure(asked(language, right), said)
    assert found.value == pytest.approx(metric.corpus_score(said, [right]).score)
    assert found.signature == str(metric.get_signature())
    assert found.per_item[0] == pytest.approx(100)
    empty = SCORERS[scorer].measure(asked(language, right), ["", ""])
    assert empty.value == pytest.approx(0)


def test_every_reference_of_a_translation_counts():
    sacrebleu = pytest.importorskip("sacrebleu")
    items = [
        Item("0", "zh-CN", "?", "", ("狗在睡觉。", "狗正在睡。")),
        Item("1", "zh-CN", "?", "", ("两只鸟。",)),
    ]
    said = ["狗正在睡。", "两只小鸟。"]
    right = sacrebleu.BLEU(tokenize="zh").corpus_score(
        said, [["狗在睡觉。", "两只鸟。"], ["狗正在睡。", None]]
    )
    assert SCORERS["bleu"].measure(items, said).value == pytest.approx(right.score)


def test_spbleu_is_asked_for_only_where_its_tokenizer_lies(tmp_path, monkeypatch):
    pytest.importorskip("sacrebleu")
    import sacrebleu.utils

    monkeypatch.setattr(sacrebleu.utils, "SACREBLEU_DIR", str(tmp_path))
    assert not is_available("spbleu")
    with pytest.raises(RepalignError, match="tokenizer is not on this machine"):
        SCORERS["spbleu"].measure(asked("en", ["a"]), ["a"])
