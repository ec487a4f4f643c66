"""Scores of translations: BLEU, chrF++ and spBLEU by sacreBLEU (Post 2018, arXiv 1804.08771), and COMET."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from repalign.corpora.languages import HAN_SCRIPTS, has_spaces, script_of
from repalign.errors import RepalignError
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS, Measured, Scorer, mean

SPBLEU = "flores101"
COMET = "Unbabel/wmt22-comet-da"


def bleu_tokenizer(language: str) -> str:
    """The sacreBLEU tokenizer of a language, by its script.

    `zh` for text in Han characters only, `char` for Korean and for scripts without spaces (the tokenizers made for
    Japanese and Korean need separate packages), `13a` for all others.

    >>> [bleu_tokenizer(code) for code in ("zho_Hans", "zh-TW", "yue", "jpn", "kor_Hang", "lo", "eng_Latn")]
    ['zh', 'zh', 'zh', 'char', 'char', 'char', '13a']
    """
    script = script_of(language)
    if script in HAN_SCRIPTS:
        return "zh"
    return "char" if script == "Kore" or not has_spaces(language) else "13a"


def is_available(name: str) -> bool:
    """Whether a scorer's package and files are on this machine: nothing is downloaded without a request."""
    if name == "comet":
        return importlib.util.find_spec("comet") is not None
    if name == "spbleu":
        return importlib.util.find_spec("sacrebleu") is not None and _spbleu_model().is_file()
    return True


def _spbleu_model() -> Path:
    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
    from sacrebleu.utils import SACREBLEU_DIR

    return Path(SACREBLEU_DIR) / "models" / Path(SPM_MODELS[SPBLEU]["url"]).name


def _by_sacrebleu(make: Callable[[Any, str], Any]) -> Callable[[Sequence[Item], Sequence[str]], Measured]:
    """A scorer from a sacreBLEU metric; its statistics are those that sacreBLEU itself resamples."""

    def measure(items: Sequence[Item], answers: Sequence[str]) -> Measured:
        try:
            from sacrebleu import metrics
        except ImportError as error:
            raise RepalignError("translation scores need sacreBLEU: pip install sacrebleu") from error
        metric = make(metrics, items[0].language)
        most = max(len(item.references) for item in items)
        references = [
            [item.references[i] if i < len(item.references) else None for item in items] for i in range(most)
        ]
        statistics = metric._extract_corpus_statistics(list(answers), references)

        def score(sums: np.ndarray) -> float:
            return float(metric._compute_score_from_stats(sums.tolist()).score)

        return Measured(np.asarray(statistics, float), score, str(metric.get_signature()))

    return measure


def _spbleu(metrics: Any, language: str) -> Any:
    if not is_available("spbleu"):
        raise RepalignError(
            f"spBLEU's tokenizer is not on this machine; download it once with "
            f"`sacrebleu --tok {SPBLEU} ...` and put it at {_spbleu_model()}"
        )
    return metrics.BLEU(tokenize=SPBLEU)


def _comet(items: Sequence[Item], answers: Sequence[str]) -> Measured:
    try:
        comet = importlib.import_module("comet")
    except ImportError as error:
        raise RepalignError("COMET needs its package: pip install unbabel-comet") from error
    model = comet.load_from_checkpoint(comet.download_model(COMET))
    rows = [
        {"src": item.input, "mt": answer, "ref": item.references[0]}
        for item, answer in zip(items, answers, strict=True)
    ]
    values = np.asarray(model.predict(rows, batch_size=8).scores, float)
    return mean(values, COMET)


for _scorer in (
    Scorer("bleu", "BLEU", _by_sacrebleu(lambda metrics, language: metrics.BLEU(tokenize=bleu_tokenizer(language)))),
    Scorer("chrf", "chrF++", _by_sacrebleu(lambda metrics, language: metrics.CHRF(word_order=2))),
    Scorer("spbleu", "spBLEU", _by_sacrebleu(_spbleu)),
    Scorer("comet", "COMET", _comet),
):  # fmt: skip
    SCORERS.add(_scorer.name, _scorer)
