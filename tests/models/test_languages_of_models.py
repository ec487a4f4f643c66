"""Models that expect the language of each sentence: every language's states equal those of a plain script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from repalign import extract
from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.evaluation.answering import answer
from repalign.evaluation.items import Item
from repalign.inside.run import look_inside
from repalign.states.extraction import count_tokens

TEXTS = {
    "en": ["The dog sleeps.", "She reads a long book in the garden.", "Two birds sing.", "We eat bread."],
    "hi": ["कुत्ता सोता है।", "वह बगीचे में एक लंबी किताब पढ़ती है।", "दो पक्षी गाते हैं।", "हम रोटी खाते हैं।"],
    "zh": ["狗在睡觉。", "她在花园里读一本很长的书。", "两只鸟在唱歌。", "我们吃面包。"],
}
CORPUS = ParallelCorpus("three", TEXTS)
LETTERS = sorted({letter for lines in TEXTS.values() for line in lines for letter in line} - {" "})
PIECES = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -2.0),
    *((letter, -3.0) for letter in LETTERS),
]

CODES = {
    "nllb": {"en": "eng_Latn", "hi": "hin_Deva", "zh": "zho_Hans"},
    "m2m_100": {"en": "en", "hi": "hi", "zh": "zh"},
    "mbart": {"en": "en_XX", "hi": "hi_IN", "zh": "zh_CN"},
    "mbart50": {"en": "en_XX", "hi": "hi_IN", "zh": "zh_CN"},
    "seamless_m4t": {"en": "eng", "hi": "hin", "zh": "cmn"},
    "xmod": {"en": "en_XX", "hi": "hi_IN", "zh": "zh_CN"},
    "xlm": {"en": "en", "hi": "hi", "zh": "zh"},
}
"""What each family calls the languages of the corpus."""

TWO_SIDED = [kind for kind in CODES if kind not in ("xmod", "xlm")]
SMALL = {
    "d_model": 32, "hidden_size": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 128,
    "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
}  # fmt: skip


def tokenizer_of(kind: str, folder: Path) -> Any:
    if kind == "nllb":
        vocab = {piece: number for number, (piece, _) in enumerate(PIECES)}
        return transformers.NllbTokenizer(vocab, [], additional_special_tokens=list(CODES[kind].values()))
    if kind in ("mbart", "mbart50"):
        return (transformers.MBartTokenizer if kind == "mbart" else transformers.MBart50Tokenizer)(PIECES)
    if kind in ("xmod", "xlm"):
        return transformers.XLMRobertaTokenizer(PIECES)
    if kind == "seamless_m4t":
        vocab = {piece: number for number, (piece, _) in enumerate(PIECES)}
        tokens = [f"__{code}__" for code in CODES[kind].values()]
        return transformers.SeamlessM4TTokenizer(vocab, [], additional_special_tokens=tokens)
    import sentencepiece

    (folder / "text.txt").write_text(
        "\n".join(line for lines in TEXTS.values() for line in lines), encoding="utf-8"
    )
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "spm"), vocab_size=90, character_coverage=1.0,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    pieces = sentencepiece.SentencePieceProcessor(str(folder / "spm.model"))
    names = ["<s>", "<pad>", "</s>", "<unk>", *(pieces.id_to_piece(i) for i in range(3, pieces.vocab_size()))]
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
    return transformers.M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "spm.model"))


def save(kind: str, folder: Path, **settings: Any) -> Path:
    """A tiny random model that expects languages, and its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_of(kind, folder)
    size = 1 + max(len(tokenizer), *getattr(tokenizer, "lang_code_to_id", {"": 0}).values())
    torch.manual_seed(1)
    if kind == "xmod":
        settings = {"languages": ["zh_CN", "en_XX", "hi_IN"], **settings}
    if kind == "xlm":
        languages = {"hi": 0, "zh": 1, "en": 2}
        settings = {
            "n_langs": 3,
            "lang2id": languages,
            "pad_index": 1,
            "emb_dim": 32,
            "embed_init_std": 0.5,
            **settings,
        }
    if kind == "seamless_m4t":
        settings = {"bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2, **settings}
    config = transformers.AutoConfig.for_model(
        {"nllb": "m2m_100", "mbart50": "mbart"}.get(kind, kind),
        **{
            **SMALL,
            "vocab_size": size,
            "pad_token_id": 1,
            "init_std": 0.5,
            "initializer_range": 0.5,
            **settings,
        },
    )
    auto = transformers.AutoModelForMaskedLM if kind not in TWO_SIDED else transformers.AutoModelForSeq2SeqLM
    auto.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    made: dict[str, Path] = {}

    def model(kind: str) -> Path:
        if kind not in made:
            made[kind] = save(kind, tmp_path_factory.mktemp("models") / kind)
        return made[kind]

    return model


def decoder_ids(model: Any, labels: torch.Tensor) -> torch.Tensor:
    """What the decoder reads in training, by the model's own shift of its labels."""
    if model.config.model_type == "mbart":
        return model.prepare_decoder_input_ids_from_labels(labels)
    if model.config.model_type == "seamless_m4t":
        labels = labels[:, 1:]  # its labels repeat the start token; in generation it comes once
    from transformers.models.m2m_100.modeling_m2m_100 import shift_tokens_right

    return shift_tokens_right(labels, 1, model.config.decoder_start_token_id)


def plain_script(folder: Path, kind: str, language: str, stack: str) -> np.ndarray:
    """Each sentence alone, mean over its own tokens: [layer, sentence, dim], without the last layer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    code, states = CODES[kind][language], []
    if kind not in TWO_SIDED:
        model = transformers.AutoModel.from_pretrained(folder).eval()
        if kind == "xmod":
            model.set_default_language(code)
    else:
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
        tokenizer.src_lang = tokenizer.tgt_lang = code
    for sentence in TEXTS[language]:
        inputs = tokenizer(sentence, return_tensors="pt")
        ids = inputs["input_ids"]
        own = tokenizer(sentence, add_special_tokens=False)["input_ids"]
        if kind == "xlm":
            inputs["langs"] = torch.full_like(ids, model.config.lang2id[code])
        body = model.get_encoder() if kind in TWO_SIDED else model
        with torch.inference_mode():
            output = body(**inputs, output_hidden_states=True)
            if stack == "decoder":
                ids = decoder_ids(model, tokenizer(text_target=sentence, return_tensors="pt")["input_ids"])
                encoded = output.last_hidden_state
                output = model.get_decoder()(ids, encoder_hidden_states=encoded, output_hidden_states=True)
        read = ids[0].tolist()
        start = next(place for place in range(len(read)) if read[place : place + len(own)] == own)
        states.append(
            [layer[0, start : start + len(own)].mean(0).numpy() for layer in output.hidden_states[:-1]]
        )
    return np.moveaxis(np.array(states), 0, 1)


@pytest.mark.parametrize(
    ("kind", "stack"), [*((kind, "encoder") for kind in CODES), *((kind, "decoder") for kind in TWO_SIDED)]
)
def test_every_language_is_read_as_a_plain_script_reads_it(models, kind, stack):
    folder = models(kind)
    read = extract(Checkpoint.named(str(folder)), CORPUS, stack=stack, store=False)
    given = ",".join(f"{language}={code}" for language, code in CODES[kind].items())
    assert f"|languages:{given}|" in str(read.signature)
    for language in TEXTS:
        theirs = plain_script(folder, kind, language, stack)
        for layer in range(len(theirs)):
            ours = read.layer(language, layer)
            assert np.abs(ours - theirs[layer]).max() <= 1e-5 * max(1.0, np.abs(theirs[layer]).max()), (
                language,
                layer,
            )


def test_languages_keep_their_codes_in_the_store_and_the_tokenizer_its_own(models, home):
    folder = models("nllb")
    extract(Checkpoint.named(str(folder)), {"zho_Hans": TEXTS["zh"], "eng": TEXTS["en"]})
    keys = [
        json.loads(path.read_text(encoding="utf-8"))["key"] for path in (home / "states").glob("*/key.json")
    ]
    assert {key["language"]: key["language_token"] for key in keys} == {
        "zho_Hans": "zho_Hans",
        "eng": "eng_Latn",
    }
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.src_lang = "hin_Deva"
    extract((model, tokenizer), CORPUS)
    assert tokenizer.src_lang == "hin_Deva"
    assert tokenizer("狗").input_ids[0] == tokenizer.convert_tokens_to_ids("hin_Deva")


@pytest.mark.parametrize(
    ("kind", "language"), [("nllb", "zh-Hant"), ("mbart", "zho_Hant"), ("xmod", "de"), ("m2m_100", "arz")]
)
def test_a_language_that_the_model_does_not_have_is_refused(models, kind, language):
    checkpoint = Checkpoint.named(str(models(kind)))
    for read in (extract, count_tokens):
        with pytest.raises(RepalignError, match=f"none for '{language}'.*{CODES[kind]['hi']}") as refused:
            read(checkpoint, {"en": TEXTS["en"], language: TEXTS["zh"]})
        assert "\n" not in str(refused.value)


def test_a_default_adapter_is_not_taken_for_every_language(tmp_path):
    checkpoint = Checkpoint.named(str(save("xmod", tmp_path / "xmod", default_language="hi_IN")))
    read = extract(checkpoint, {"en": TEXTS["en"], "zh": TEXTS["en"]}, store=False)
    assert not np.allclose(read.layer("en", 2), read.layer("zh", 2), atol=1e-3)


@pytest.mark.parametrize("kind", TWO_SIDED)
def test_answers_are_asked_in_one_language_and_begun_in_another(models, kind):
    """As a plain script with `src_lang`, and `forced_bos_token_id` or, for mBART, a start token for each language."""
    folder, codes = models(kind), CODES[kind]
    items = [
        Item(str(row), target, "Translate.", sentence, ("-",), source="en")
        for target in ("hi", "zh")
        for row, sentence in enumerate(TEXTS["en"])
    ]
    found = answer(Checkpoint.named(str(folder)), items, "translation", 6)
    assert (
        f"|raw|greedy:6|float32|languages:{codes['en']}>{codes['hi']},{codes['en']}>{codes['zh']}|"
        in found.signature
    )
    assert answer(Checkpoint.named(str(folder)), items, "translation", 6) == found, "as stored"
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.src_lang = codes["en"]
    for target in ("hi", "zh"):
        token = tokenizer.convert_tokens_to_ids(
            {"m2m_100": "__{}__", "seamless_m4t": "__{}__"}.get(kind, "{}").format(codes[target])
        )
        before = [token] if kind == "mbart" else [tokenizer.eos_token_id, token]
        for text, sentence in zip(found.texts[target], TEXTS["en"], strict=True):
            ids = torch.tensor([before])
            encoded = model.get_encoder()(**tokenizer(sentence, return_tensors="pt"))
            for _ in range(6):
                logits = model(encoder_outputs=encoded, decoder_input_ids=ids).logits[0, -1]
                ids = torch.cat([ids, logits.argmax().view(1, 1)], dim=1)
            written = ids[0, len(before) :].tolist()
            ends = [number for number, token in enumerate(written) if token == tokenizer.eos_token_id]
            assert text == tokenizer.decode(written[: min(ends, default=6)], skip_special_tokens=True).strip()


def test_what_cannot_be_given_a_language_says_so(models, tmp_path):
    asked = [Item("1", "de", "Translate.", "The dog", ("-",), source="en")]
    with pytest.raises(RepalignError, match="none for 'de'"):
        answer(Checkpoint.named(str(models("nllb"))), asked, "translation", 4)
    folder = save("xmod", tmp_path / "xmod", is_decoder=True, default_language="en_XX")
    config = transformers.AutoConfig.from_pretrained(folder)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    checkpoint = Checkpoint.named(str(folder))
    assert extract(checkpoint, CORPUS, store=False).n_sentences == 4
    with pytest.raises(RepalignError, match="expects the language of its text beside the text"):
        answer(checkpoint, asked, "translation", 4)
    many = {
        language: [f"{line} {n}" for n in range(6) for line in lines] for language, lines in TEXTS.items()
    }
    with pytest.raises(RepalignError, match="the logit lens cannot be applied"):
        look_inside(checkpoint, many, progress=False)


def test_a_tokenizer_that_knows_one_language_only_reads_no_other(models, tmp_path):
    folder = models("nllb")
    transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).save_pretrained(tmp_path)
    backend = transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer
    transformers.PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>").save_pretrained(
        tmp_path
    )
    alone = {"en": TEXTS["en"]}
    assert (
        extract(str(tmp_path), alone, store=False).layer("en", 1).shape
        == extract(str(folder), alone, store=False).layer("en", 1).shape
    )
    with pytest.raises(
        RepalignError, match=r"adds 'eng_Latn' to the sentences of every language, also to those of hi, zh"
    ):
        extract(str(tmp_path), CORPUS, store=False)


def test_an_xlm_without_names_of_its_languages_is_refused(tmp_path):
    checkpoint = Checkpoint.named(str(save("xlm", tmp_path / "xlm", lang2id=None)))
    with pytest.raises(RepalignError, match="expects the language of each sentence"):
        extract(checkpoint, CORPUS)
    alone = Checkpoint.named(str(save("xlm", tmp_path / "one", n_langs=1)))
    assert extract(alone, CORPUS).signature.languages == ""
