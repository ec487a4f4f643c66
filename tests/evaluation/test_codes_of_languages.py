"""A language has the same scores in every spelling of its code, from the corpus to the profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.evaluation.answer_language import answer_languages
from repalign.evaluation.items import Item
from repalign.evaluation.prompts import prompt_of, read_prompts
from repalign.evaluation.scores import measure
from repalign.evaluation.squad import f1, mlqa_tokens
from repalign.evaluation.tasks import TASKS, Request, translation_items
from repalign.evaluation.translation import bleu_tokenizer

NTREX = Path(__file__).parents[2].parent / "shared" / "data" / "ntrex"

SPELLINGS = {
    "zh": ("zh", "zho_Hans", "cmn", "zh-CN"),
    "ar": ("ar", "arb", "arb_Arab", "ara"),
    "pt": ("pt", "pt_BR", "por", "por_Latn"),
    "ja": ("ja", "jpn", "jpn_Jpan"),
    "ko": ("ko", "kor", "kor_Hang"),
    "th": ("th", "tha", "tha_Thai"),
}
TEXTS = {
    "pt": ["O cachorro dorme no jardim hoje.", "Ela comprou três livros novos na cidade.", "Ninguém fechou a janela ontem."],
    "ja": ["犬が庭で静かに眠っています。", "彼女は町で新しい本を三冊買いました。", "昨日は誰も窓を閉めませんでした。"],
    "ko": ["개가 마당에서 조용히 자고 있습니다.", "그녀는 시내에서 새 책을 세 권 샀습니다.", "어제는 아무도 창문을 닫지 않았습니다."],
    "th": ["สุนัขนอนหลับอยู่ในสวนอย่างเงียบๆ", "เธอซื้อหนังสือใหม่สามเล่มในเมือง", "เมื่อวานไม่มีใครปิดหน้าต่าง"],
}  # fmt: skip
TOKENIZERS = {"zh": "zh", "ar": "13a", "pt": "13a", "ja": "char", "ko": "char", "th": "char"}
SCORERS = ("bleu", "chrf", "f1", "exact")


def texts_of(language: str) -> list[str]:
    """500 sentences of NTREX, or those above in a language that the shared part of NTREX lacks."""
    if language in TEXTS:
        return TEXTS[language]
    if not NTREX.is_dir():
        pytest.skip("the shared data are not here")
    return (NTREX / f"{language}.txt").read_text(encoding="utf-8").splitlines()[:500]


def damaged(texts: list[str]) -> list[str]:
    """Answers nearly right: a third lack their last characters, a third the full stop, a third nothing."""
    return [(text[: -len(text) // 4], text.rstrip(".。"), text)[row % 3] for row, text in enumerate(texts)]


def results(language: str, texts: list[str]) -> dict[str, object]:
    items = {language: [Item(str(row), language, "", "", (text,)) for row, text in enumerate(texts)]}
    answers = {language: damaged(texts)}
    found: dict[str, object] = {}
    for scorer in SCORERS:
        measured = measure(scorer, items, answers)[language]
        found[scorer] = (measured.value, measured.signature)
    detected = answer_languages(answers[language], language, [language, "en", "de"])
    return found | {"language": [code == language for code in detected]}


@pytest.mark.parametrize("language", SPELLINGS)
def test_scores_and_detected_languages_are_equal_in_every_spelling(language):
    pytest.importorskip("sacrebleu")
    pytest.importorskip("lingua")
    texts = texts_of(language)
    plain, *others = [results(code, texts) for code in SPELLINGS[language]]
    assert all(other == plain for other in others)
    assert f"|tok:{TOKENIZERS[language]}|" in str(plain["bleu"])
    assert sum(plain["language"]) > 0.9 * len(texts)
    assert 0 < plain["bleu"][0] < 100


@pytest.mark.parametrize("language", SPELLINGS)
def test_the_wording_of_a_prompt_is_the_same_in_every_spelling(language):
    found = [prompt_of(code, read_prompts()) for code in SPELLINGS[language]]
    assert all(prompt == found[0] for prompt in found)
    assert prompt_of("zho_Hant", read_prompts()) is None


def test_a_custom_prompt_overrides_that_of_the_same_language(tmp_path):
    (tmp_path / "own.toml").write_text(
        '[zho_Hans]\ninstruction = "Reply."\ninput = "{question} ({context})"\n'
    )
    prompts = read_prompts(tmp_path / "own.toml")
    assert {prompt_of(code, prompts)["instruction"] for code in SPELLINGS["zh"]} == {"Reply."}


@pytest.mark.parametrize("source", ["en", "eng", "eng_Latn", "en-US"])
@pytest.mark.parametrize("own", ["en", "eng_Latn"])
def test_the_source_language_is_found_in_every_spelling(source, own):
    corpus = ParallelCorpus({own: ["Yes.", "No."], "zho_Hans": ["是。", "不。"]})
    items = translation_items(corpus, Request(source=source))
    assert [(item.language, item.source, item.input) for item in items] == [
        ("zho_Hans", own, "Yes."),
        ("zho_Hans", own, "No."),
    ]
    assert items[0].instruction == "Translate the following sentence into Chinese."


def test_source_and_languages_may_be_spelled_in_different_ways(tmp_path):
    for code, text in {"eng_Latn": "Yes.", "zho_Hans": "是。", "zho_Hant": "是。"}.items():
        (tmp_path / f"{code}.txt").write_text(text, encoding="utf-8")
    items = TASKS["translation"].read(Request(str(tmp_path), ["eng_Latn", "zh-CN"], source="en"))
    assert [(item.language, item.source) for item in items] == [("zh-CN", "en")]
    with pytest.raises(RepalignError, match=r"'zh' may be any of zho_Hans, zho_Hant .*name one of them"):
        TASKS["translation"].read(Request(str(tmp_path), ["zh"]))
    with pytest.raises(RepalignError, match=r"'zh' may be any of zho_Hans, zho_Hant .*--source"):
        TASKS["translation"].read(Request(str(tmp_path), source="zh"))


@pytest.mark.parametrize("code", ["zh", "zho_Hans", "cmn"])
def test_the_phrasebook_is_read_in_every_spelling(code):
    plain = TASKS["phrasebook"].read(Request(languages=["zh"], limit=3))
    items = TASKS["phrasebook"].read(Request(languages=[code], limit=3))
    assert [(item.id, item.input, item.references) for item in items] == [
        (item.id, item.input, item.references) for item in plain
    ]
    assert {item.language for item in items} == {code}


@pytest.mark.parametrize("code", ["zh", "zho_Hans", "cmn", "zh-TW", "zho_Hant", "yue"])
def test_text_in_han_characters_is_split_whatever_its_code(code):
    assert f1("丹佛野马队", ["野马队"], code, mlqa_tokens) == 0.75
    assert bleu_tokenizer(code) == "zh"


@pytest.mark.parametrize(
    ("code", "other"), [("lao_Laoo", "lo"), ("khm_Khmr", "km"), ("mya_Mymr", "my"), ("bod_Tibt", "bo")]
)
def test_scripts_without_spaces_are_scored_by_characters(code, other):
    assert bleu_tokenizer(code) == bleu_tokenizer(other) == "char"


@pytest.mark.parametrize(
    ("code", "answer"), [("deu_Latn", "der Hund"), ("spa", "el perro"), ("vie_Latn", "những con chó")]
)
def test_articles_are_removed_whatever_the_code(code, answer):
    assert f1(answer, [answer.split(" ", 1)[1]], code, mlqa_tokens) == 1.0
    assert f1(answer, [answer.split(" ", 1)[1]], "swe", mlqa_tokens) < 1.0
