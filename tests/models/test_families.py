"""Every family of the causal-LM mapping, encoders and encoder-decoders: read as they are, or refused."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec

import numpy as np
import pytest
import torch
import transformers
from constraints.compare import TESTED
from families import (
    FAMILIES,
    PAD,
    SENTENCES,
    Unread,
    build,
    cells,
    close,
    find_out,
    hidden_states,
    pooled,
    recorded,
)
from packaging.version import Version
from safetensors.torch import load_file, save_file
from tokenizers import processors
from transformers.models.auto import modeling_auto

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.models.batching import common_prefix
from repalign.models.engine import Engine
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import tokenize
from repalign.states.extraction import extract


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory, save_tokenizer):
    return save_tokenizer(tmp_path_factory.mktemp("tokenizer"))


VERSION, TABLE = recorded()
READ = sorted(kind for kind, row in TABLE.items() if row[1] not in ("refused", "not built"))


def test_the_table_of_families_is_that_of_the_tested_transformers():
    """After `make constraints`, `python analyses/families.py` makes it anew."""
    tested = re.findall(r"^transformers==(\S+)", TESTED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert max(tested, key=Version) == VERSION


OF_ITS_OWN_KIND = {
    # recurrent or hybrid
    "bamba", "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "kimi_linear", "lfm2", "mamba",
    "mamba2", "nemotron_h", "qwen3_next", "recurrent_gemma", "rwkv", "xlstm", "zamba", "zamba2",
    # several streams, swapped axes, shared keys and values, latent or sparse attention, two attentions
    "deepseek_v32", "deepseek_v4", "gemma3n_text", "gemma4_text", "hy_v4", "longcat_flash", "qwen4_exp_text",
    "xlnet",
    # one side of an encoder-decoder, or a language model among others
    "bart", "gemma3", "git", "llama4", "mllama", "moshi", "whisper",
    # the usual ones
    "bert", "bloom", "falcon", "gemma2", "gpt2", "gpt_neox", "gpt_oss", "llama", "mistral", "mixtral",
    "olmo2", "opt", "phi3", "qwen2", "qwen3", "qwen3_moe", "xglm",
}  # fmt: skip
QUICK = OF_ITS_OWN_KIND | set(READ[::4]) | (set(FAMILIES) - set(READ))
"""Those of the default run, more than half, among them all that the table does not know; `pytest -m heavy` runs the others."""


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.heavy) for kind in FAMILIES]
)
def test_a_family_is_read_as_its_own_hidden_states_whatever_the_batch_or_refused(kind, tokenizer):
    if kind == "gemma3n" and find_spec("timm") and find_spec("PIL"):
        pytest.skip("the table is made without timm, which its image encoder needs")
    found = find_out(kind, tokenizer)
    if transformers.__version__ == VERSION:
        assert cells(kind, found) == TABLE[kind]
    elif isinstance(found, Unread) and kind in READ:
        pytest.xfail(f"was read with transformers {VERSION}; now {found.outcome}: {found.why}")


def test_a_model_that_does_not_run_on_text_alone_is_refused(tokenizer, monkeypatch):
    engine = Engine.around(build("llama"), tokenizer)

    def draft(**inputs):
        raise KeyError("keys of another model")

    monkeypatch.setattr(engine.reader.body, "forward", draft)
    with pytest.raises(RepalignError, match="does not run on plain text: KeyError: 'keys of another model'"):
        engine.check("a draft")


CACHED = ("llama", "gpt2", "mistral", "gemma2", "gemma3_text", "bloom", "opt", "mpt")
UNCACHED = ("qwen3_next", "mamba", "rwkv", "jamba")


@pytest.mark.parametrize("kind", CACHED + UNCACHED)
def test_a_shared_head_is_reused_only_where_that_is_exact(kind, tokenizer):
    engine = Engine.around(build(kind), tokenizer)
    engine.check(kind)
    assert engine.reuse_prefix == (kind in CACHED)
    rows = tokenize(SENTENCES, tokenizer, TEMPLATES["alpaca"], 512, causal=True)
    assert common_prefix(rows) > 8, "longer than the sliding windows of these models"
    framed = engine.pool(rows, ["mean", "last"])
    with torch.inference_mode():
        for index, row in enumerate(rows):
            theirs = hidden_states(engine, row)
            if kind not in ("mamba", "rwkv"):
                assert close(framed[0, 2, index], pooled(theirs[2], row))
            else:
                assert close(framed[0, 2, index], pooled(theirs[1], row))


@pytest.mark.parametrize("kind", ["qwen3_next", "gemma3"])
def test_a_family_on_disk_is_extracted_like_one_in_memory(kind, tmp_path, tokenizer, corpus):
    model = build(kind)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    states = extract(Checkpoint.named(str(tmp_path)), corpus, dtype="float32")
    engine = Engine.around(model, tokenizer)
    for language, sentences in corpus.sentences.items():
        here = engine.pool(tokenize(sentences, tokenizer, TEMPLATES["raw"], 512, causal=True), ["mean"])[0]
        for layer in states.layers:
            assert close(states.layer(language, layer), here[layer])


WHOLE = modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
ALONE = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
INSIDE = sorted({kind for kind in READ if kind in WHOLE and WHOLE[kind] != ALONE.get(kind)} - {"emu3"})
"""Families whose checkpoints hold a model of images and text, of which only the language model is loaded. Emu3's names
its weights otherwise: such a checkpoint is refused, since they are not found."""


@pytest.mark.parametrize("kind", INSIDE)
def test_the_language_model_of_an_image_model_is_found_in_its_checkpoint(kind, tmp_path, tokenizer, corpus):
    whole = build(kind, transformers.AutoModelForImageTextToText)
    whole.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    states = extract(Checkpoint.named(str(tmp_path)), corpus, dtype="float32")
    ids = tokenizer(corpus.sentences["en"][0], return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        theirs = whole.get_decoder()(ids, output_hidden_states=True).hidden_states
    for layer, state in enumerate(theirs[:-1]):
        assert close(states.layer("en", layer)[0], state[0, 1:].flatten(1).mean(0).numpy())


def test_weights_that_are_not_in_the_files_are_never_drawn_at_random(tmp_path, tokenizer, corpus):
    build("llama").save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RepalignError, match=r"model\.layers\.1\.mlp\.up_proj\.weight .* is not in"):
        extract(Checkpoint.named(str(tmp_path)), corpus)


def sentence_transformer(folder) -> None:
    """The files that make a folder with an encoder one of sentence-transformers."""
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "config_sentence_transformers.json").write_text("{}")


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "sentence-transformers", "xlnet"])
def test_encoders_are_read_both_ways_and_without_their_special_tokens(kind, tmp_path, tokenizer, corpus):
    if kind == "sentence-transformers":
        sentence_transformer(tmp_path)
    family = {"sentence-transformers": "bert"}.get(kind, kind)
    settings = {} if kind == "xlnet" else {"is_decoder": False}
    model = build(family, transformers.AutoModel, **settings)
    model.save_pretrained(tmp_path)
    save_with_ends(tokenizer, tmp_path, "<s> $A </s>")
    states = extract(Checkpoint.named(str(tmp_path)), corpus)
    ours = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for row, sentence in enumerate(corpus.sentences["en"]):
        ids = ours(sentence, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            theirs = model(ids, output_hidden_states=True).hidden_states
        assert len(theirs) == len(states.layers)
        for layer, state in enumerate(theirs):  # no final norm: the last layer, too, is shown
            assert close(states.layer("en", layer)[row], state[0, 1:-1].mean(0).numpy())


LONGEST = {"bert": 64, "xlm-roberta": 61, "camembert": 61, "mpnet": 61, "gpt2": 64, "bart": 63}
"""Tokens a sentence may have when a family's configuration speaks of 64 positions; its padding token is 2."""


@pytest.mark.parametrize("kind", LONGEST)
def test_as_many_tokens_are_read_as_a_family_has_positions(kind, tmp_path, tokenizer):
    auto = transformers.AutoModel
    auto = {"gpt2": transformers.AutoModelForCausalLM, "bart": transformers.AutoModelForSeq2SeqLM}.get(
        kind, auto
    )
    size = {"gpt2": "n_positions"}.get(kind, "max_position_embeddings")
    build(kind, auto, **{size: 64, "is_decoder": False}).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    fits, longer = "q" * (LONGEST[kind] - 1), "q" * LONGEST[kind]
    assert len(tokenizer(fits)["input_ids"]) == LONGEST[kind] == len(tokenizer(longer)["input_ids"]) - 1
    options = {"stack": "decoder"} if kind == "bart" else {}
    short = ParallelCorpus("short", {"en": [fits, "Yes!"]})
    assert extract(Checkpoint.named(str(tmp_path)), short, **options).n_sentences == 2
    with pytest.raises(RepalignError, match=f"longer than {LONGEST[kind]} tokens"):
        extract(Checkpoint.named(str(tmp_path)), ParallelCorpus("long", {"en": [longer, "Yes!"]}), **options)


def save_with_ends(tokenizer, folder, template: str, **special: object):
    """The tokenizer with other special tokens around a sentence."""
    tokenizer.save_pretrained(folder)
    fresh = transformers.AutoTokenizer.from_pretrained(folder)
    fresh.add_special_tokens(special)
    names = [name for name in template.split() if name != "$A"]
    fresh.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(name, fresh.convert_tokens_to_ids(name)) for name in names]
    )
    fresh.save_pretrained(folder)
    return fresh


TWO_SIDED = {
    "t5": "$A </s>", "mt5": "$A </s>", "umt5": "$A </s>", "bart": "<s> $A </s>", "mbart": "$A </s> en_XX",
    "m2m_100": "__en__ $A </s>", "nllb": "eng_Latn $A </s>", "nllb-moe": "eng_Latn $A </s>",
}  # fmt: skip


@pytest.mark.parametrize("side", ["encoder", "decoder"])
@pytest.mark.parametrize("kind", TWO_SIDED)
def test_encoder_decoders_are_read_on_either_side(kind, side, tmp_path, tokenizer, corpus):
    template = TWO_SIDED[kind]
    languages = [name for name in template.split() if name not in ("$A", "<s>", "</s>")]
    extra = {"additional_special_tokens": languages} if languages else {}
    ours = save_with_ends(tokenizer, tmp_path, template, **extra)
    family = "m2m_100" if kind == "nllb" else kind  # NLLB's models are of M2M100's type
    model = build(family, transformers.AutoModelForSeq2SeqLM, is_decoder=False)
    engine = Engine.around(model, ours, stack=side)
    engine.check(kind)
    sentences = [row for rows in corpus.sentences.values() for row in rows]
    states = engine.pool(tokenize(sentences, ours, TEMPLATES["raw"], 512, engine.causal), ["mean"])[0]
    start = torch.tensor([[getattr(model.config, "decoder_start_token_id", PAD)]])  # T5 starts with padding
    for index, sentence in enumerate(sentences):
        ids = torch.tensor([ours(sentence)["input_ids"]])
        written = torch.cat([start, ids], dim=1)
        with torch.inference_mode():
            output = model(input_ids=ids, decoder_input_ids=written, output_hidden_states=True)
        theirs, seen = (
            (output.encoder_hidden_states, ids)
            if side == "encoder"
            else (output.decoder_hidden_states, written)
        )
        special = torch.tensor([0, 1, PAD, *ours.convert_tokens_to_ids(languages)])
        content = ~torch.isin(seen[0], special)
        assert 0 < content.sum() < len(content)
        for layer in range(engine.n_blocks):
            assert close(states[layer, index], theirs[layer][0, content].mean(0).numpy())


def test_the_encoder_is_read_unless_told_otherwise(tokenizer):
    model = build("t5", transformers.AutoModelForSeq2SeqLM, is_decoder=False)
    auto, encoder, decoder = (
        Engine.around(model, tokenizer, stack=side) for side in ("auto", "encoder", "decoder")
    )
    assert auto.reader.body is encoder.reader.body is not decoder.reader.body
    with pytest.raises(RepalignError, match="has no encoder side; it has decoder"):
        Engine.around(build("llama"), tokenizer, stack="encoder")


def test_the_two_sides_are_told_apart_in_store_and_signature(tmp_path, tokenizer, corpus):
    build("t5", transformers.AutoModelForSeq2SeqLM, is_decoder=False).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    auto, encoder, decoder = (
        extract(Checkpoint.named(str(tmp_path)), corpus, stack=side)
        for side in ("auto", "encoder", "decoder")
    )
    assert np.array_equal(auto.layer("el", 1), encoder.layer("el", 1))
    assert not np.allclose(encoder.layer("el", 1), decoder.layer("el", 1))
    assert str(auto.signature) == str(encoder.signature) != str(decoder.signature)


def test_a_model_that_looks_ahead_is_no_decoder(tokenizer):
    model = build("bert-generation", is_decoder=False)
    engine = Engine.around(model, tokenizer)
    engine.causal = True
    with pytest.raises(RepalignError, match="depends on later tokens"):
        engine.check("bert-generation")


def test_padding_changes_nothing_only_where_the_check_can_tell(tokenizer, monkeypatch):
    model = build("gpt2")
    body = Engine.around(model, tokenizer).reader.body
    plain = body.forward
    monkeypatch.setattr(body, "forward", lambda **inputs: plain(**{**inputs, "attention_mask": None}))
    Engine.around(model, tokenizer).check("gpt2")  # right padding of a causal model is exact without a mask

    def shifted(input_ids, **inputs):
        return plain(input_ids=input_ids.roll(input_ids.shape[1] - 48, 1), **inputs)

    monkeypatch.setattr(body, "forward", shifted)
    with pytest.raises(RepalignError, match="change when a sentence is padded"):
        Engine.around(model, tokenizer).check("gpt2")
    assert np.isfinite(model.lm_head.weight).all()
