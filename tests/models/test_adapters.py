"""Adapters: read as a plain script reads them, the base untouched, everything incomplete refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models.fingerprint import fingerprint
from repalign.models.generation import Generator
from repalign.models.loading import load_model, one_base, read_config
from repalign.models.locating import locate
from repalign.models.loglikelihood import loglikelihoods
from repalign.states.extraction import extract

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj", "gate_proj"]
KINDS: dict[str, Any] = {
    "lora": lambda: peft.LoraConfig(r=2, target_modules=ALL),
    "lora by regex": lambda: peft.LoraConfig(r=2, target_modules=r".*layers\.[01]\.self_attn\.(q|v)_proj"),
    "dora": lambda: peft.LoraConfig(r=2, target_modules=ALL, use_dora=True),
    "rslora": lambda: peft.LoraConfig(r=2, target_modules=ALL, use_rslora=True),
    "pissa": lambda: peft.LoraConfig(r=2, target_modules=ALL, init_lora_weights="pissa"),
    "olora": lambda: peft.LoraConfig(r=2, target_modules=ALL, init_lora_weights="olora"),
    "bias all": lambda: peft.LoraConfig(r=2, target_modules=ALL, bias="all"),
    "bias lora only": lambda: peft.LoraConfig(r=2, target_modules=ALL, bias="lora_only"),
    "saved modules": lambda: peft.LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"]),
    "saved norms": lambda: peft.LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["input_layernorm", "norm"]),
    "lora on embeddings": lambda: peft.LoraConfig(r=2, target_modules=["q_proj", "embed_tokens"]),
    "trainable tokens": lambda: peft.LoraConfig(r=2, target_modules=["q_proj"], trainable_token_indices=[5, 9]),
    "tokens only": lambda: peft.TrainableTokensConfig(token_indices=[5, 9], target_modules=["embed_tokens"]),
    "ia3": lambda: peft.IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]),
    "ln tuning": lambda: peft.LNTuningConfig(target_modules=["input_layernorm", "post_attention_layernorm"]),
    "oft": lambda: peft.OFTConfig(oft_block_size=4, target_modules=["q_proj", "v_proj"]),
    "vera": lambda: peft.VeraConfig(r=2, target_modules=["q_proj"]),
    "adalora": lambda: peft.AdaLoraConfig(init_r=2, target_r=2, total_step=10, target_modules=["q_proj"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory, save_model) -> Path:
    """With biases, so that these can be trained; the embeddings are not tied."""
    folder = tmp_path_factory.mktemp("base") / "base"
    return save_model(folder, attention_bias=True, mlp_bias=True, tie_word_embeddings=False)


def train(model: Any) -> None:
    """Change every weight that training would change."""
    torch.manual_seed(7)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.3 * torch.randn_like(parameter)


def save(base: Path, folder: Path, config: Any, auto: Any = transformers.AutoModelForCausalLM) -> Path:
    torch.manual_seed(1)
    model = peft.get_peft_model(auto.from_pretrained(base), config)
    train(model)
    model.save_pretrained(folder)
    return folder


def script(model: Any, tokenizer: Any, sentences: list[str]) -> np.ndarray:
    """Each sentence alone, output_hidden_states, mean over its own tokens: float32 [layer, sentence, dim], all but the last."""
    rows = []
    for sentence in sentences:
        ids = tokenizer(sentence, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            states = model(input_ids=ids, output_hidden_states=True).hidden_states
        rows.append([layer[0, 1:].mean(0).numpy() for layer in states[:-1]])
    return np.stack(rows, axis=1)


def states(checkpoint: Path, corpus) -> np.ndarray:
    """float32 [layer, sentence, dim], all but the last layer."""
    read = extract(str(checkpoint), corpus, store=False, dtype="float32", progress=False)
    return np.stack([read.layer("zh", layer) for layer in read.layers[:-1]])


def close(read: np.ndarray, right: np.ndarray) -> bool:
    """Within 1e-5, relative to the largest state where that exceeds 1."""
    return bool(np.abs(read - right).max() <= 1e-5 * max(1.0, np.abs(right).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_is_read_and_leaves_its_base_untouched(kind, base, tmp_path, corpus):
    adapter = save(base, tmp_path / "adapter", KINDS[kind]())
    plain = transformers.AutoModelForCausalLM.from_pretrained(base)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    alone = script(plain, tokenizer, corpus.sentences["zh"])
    adapted = script(peft.PeftModel.from_pretrained(plain, adapter).eval(), tokenizer, corpus.sentences["zh"])
    with one_base():
        # After the adapter come its base, another adapter, and the base again.
        other = save(base, tmp_path / "other", KINDS["lora"]())
        read = [states(path, corpus) for path in (adapter, base, adapter, other, base)]
        assert fingerprint(loaded(base)) == fingerprint(
            transformers.AutoModelForCausalLM.from_pretrained(base)
        )
    assert close(read[0], adapted)
    assert np.array_equal(read[0], read[2])
    for again in (read[1], read[4]):
        assert close(again, alone)
    assert np.array_equal(read[1], read[4])
    assert np.array_equal(read[3], states(other, corpus))


def loaded(folder: Path) -> Any:
    weights = locate(Checkpoint.named(str(folder)))
    return load_model(weights, read_config(weights), torch.float32, "cpu")


def test_a_fingerprint_sees_every_change(base):
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    before = fingerprint(model)
    weight = model.model.layers[1].mlp.up_proj.weight.data
    for change in (
        lambda: weight[3, 4].add_(1e-6),
        lambda: weight[[0, 1]].clone(),
        lambda: weight.neg_().neg_(),
    ):
        change()
    assert fingerprint(model) != before
    weight[3, 4] = 0.0
    zero = fingerprint(model)
    weight[3, 4] = -0.0
    assert fingerprint(model) != zero, "bits, not values"
    rows = weight[[1, 0]].clone()
    weight[[0, 1]] = rows
    assert fingerprint(model) != zero, "the order counts"
    assert fingerprint(model.half()) != zero


def refused(adapter: Path, *parts: str) -> None:
    with pytest.raises(RepalignError) as caught:
        loaded(adapter)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


def edit(adapter: Path, change) -> None:
    path = adapter / "adapter_model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def settings(adapter: Path, **changes: object) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "kind", ["lora", "dora", "bias all", "saved modules", "saved norms", "ia3", "vera", "trainable tokens"]
)
@pytest.mark.parametrize("which", [0, -1])
def test_a_weight_that_is_not_in_the_file_is_refused(kind, which, base, tmp_path):
    adapter = save(base, tmp_path / "adapter", KINDS[kind]())
    names = list(load_file(adapter / "adapter_model.safetensors"))
    edit(adapter, lambda tensors: tensors.pop(names[which]))
    refused(adapter, "incomplete", "save the adapter again")


def test_weights_without_a_place_are_refused(base, tmp_path):
    adapter = save(base, tmp_path / "adapter", KINDS["lora"]())
    key = "base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight"
    edit(adapter, lambda tensors: tensors.update({key: torch.ones(2, 32)}))
    refused(adapter, "no place in its base", "layers.7")


def test_an_adapter_for_a_base_of_another_size_is_refused_with_the_sizes(base, tmp_path, save_model):
    adapter = save(base, tmp_path / "adapter", KINDS["lora"]())
    other = save_model(tmp_path / "wide", hidden_size=64, attention_bias=True, mlp_bias=True)
    settings(adapter, base_model_name_or_path=str(other))
    refused(adapter, "size mismatch", "q_proj")


@pytest.mark.parametrize("layers", [[0], [0, 1], [3]])
def test_an_adapter_is_read_at_layers_that_it_cannot_change(layers, base, tmp_path, corpus):
    adapter = save(
        base,
        tmp_path / "adapter",
        peft.LoraConfig(r=2, target_modules=["down_proj"], layers_to_transform=[2]),
    )
    read = extract(str(adapter), corpus, layers=layers, store=False)
    bare = extract(str(base), corpus, layers=layers, store=False)
    assert np.array_equal(read.layer("zh", layers[0]), bare.layer("zh", layers[0])) == (layers != [3])


def test_only_an_adapter_that_changes_nothing_is_refused_for_that(base, tmp_path):
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    untrained = peft.get_peft_model(model, KINDS["lora"]())
    untrained.save_pretrained(tmp_path / "untrained")
    refused(tmp_path / "untrained", "changes nothing")
    head = peft.LoraConfig(r=2, target_modules=["lm_head"])
    assert loaded(save(base, tmp_path / "head", head)), "only logits change"
    tokens = peft.TrainableTokensConfig(token_indices=[371], target_modules=["embed_tokens"])
    assert loaded(save(base, tmp_path / "tokens", tokens)), "only one rare token changes"


def test_a_larger_vocabulary_comes_with_its_embeddings(base, tmp_path, corpus):
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(["睡觉", "花园"])
    model.resize_token_embeddings(len(tokenizer))
    adapted = peft.get_peft_model(model, KINDS["saved modules"]())
    train(adapted)
    adapted.save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")
    settings(tmp_path / "adapter", base_model_name_or_path=str(base))
    right = script(adapted.eval(), tokenizer, corpus.sentences["zh"])
    with one_base():
        assert close(states(tmp_path / "adapter", corpus), right)
        after = states(base, corpus)
    assert np.array_equal(after, states(base, corpus))
    heads = [
        name for name in load_file(tmp_path / "adapter" / "adapter_model.safetensors") if "lm_head" in name
    ]
    edit(tmp_path / "adapter", lambda tensors: [tensors.pop(name) for name in heads])
    refused(tmp_path / "adapter", "no output layer for the new tokens")


@pytest.mark.parametrize("trained_as", ["SequenceClassification", "TokenClassification", "Model"])
@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "llama"])
def test_an_adapter_trained_with_another_head_is_read(kind, trained_as, tmp_path, save_tokenizer, corpus):
    tokenizer = save_tokenizer(tmp_path / "base")
    small = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    config = transformers.AutoConfig.for_model(kind, **small, pad_token_id=2)
    auto = transformers.AutoModelForCausalLM if kind == "llama" else transformers.AutoModelForMaskedLM
    torch.manual_seed(0)
    auto.from_config(config).save_pretrained(tmp_path / "base")
    task = {
        "SequenceClassification": "SEQ_CLS",
        "TokenClassification": "TOKEN_CLS",
        "Model": "FEATURE_EXTRACTION",
    }
    target = ["q_proj", "v_proj"] if kind == "llama" else ["query", "value"]
    trainer = getattr(transformers, "AutoModel" + ("" if trained_as == "Model" else "For" + trained_as))
    adapter = save(
        tmp_path / "base",
        tmp_path / "adapter",
        peft.LoraConfig(task[trained_as], r=2, target_modules=target),
        trainer,
    )
    read = states(adapter, corpus)
    assert not np.allclose(read, states(tmp_path / "base", corpus), atol=1e-3)
    body = peft.PeftModel.from_pretrained(trainer.from_pretrained(tmp_path / "base"), adapter).eval()
    assert close(read, script(body, tokenizer, corpus.sentences["zh"]))


@pytest.mark.parametrize("config", [
    lambda: peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    lambda: peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    lambda: peft.PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=3, encoder_hidden_size=8),
])  # fmt: skip
def test_prompts_are_refused_with_the_true_reason_and_leave_the_base_alone(config, base, tmp_path, corpus):
    adapter = save(base, tmp_path / "adapter", config())
    before = states(base, corpus)
    with one_base():
        with pytest.raises(RepalignError, match="3 virtual tokens before every text"):
            extract(str(adapter), corpus, store=False)
        assert np.array_equal(states(base, corpus), before)


def test_a_prompt_is_part_of_every_answer(base, tmp_path):
    adapter = save(
        base, tmp_path / "adapter", peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    )
    prompts = ["The dog", "She reads a long book in the garden", "狗"]
    generator = Generator(locate(Checkpoint.named(str(adapter))), device="cpu", dtype="float32")
    answers = [answer.text for answer in generator.answer(prompts, 5, progress=False)]
    plain = transformers.AutoModelForCausalLM.from_pretrained(base)
    model = peft.PeftModel.from_pretrained(plain, adapter).eval()
    tokenizer = generator.tokenizer
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = tokenizer(prompt, return_tensors="pt")
        written = model.generate(**ids, max_new_tokens=5, do_sample=False, pad_token_id=2)[0]
        assert (
            answer == tokenizer.decode(written[ids["input_ids"].shape[1] :], skip_special_tokens=True).strip()
        )
    bare = Generator(locate(Checkpoint.named(str(base))), device="cpu", dtype="float32")
    assert [answer.text for answer in bare.answer(prompts, 5, progress=False)] != answers


def test_a_prompt_is_part_of_every_likelihood(base, tmp_path):
    adapter = save(
        base, tmp_path / "adapter", peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    )
    requests = [("The dog", " sleeps"), ("The dog", " sleeps in the garden"), ("狗", "在睡觉")]
    generator = Generator(locate(Checkpoint.named(str(adapter))), device="cpu", dtype="float32")
    found = loglikelihoods(generator, requests, progress=False)
    model = peft.PeftModel.from_pretrained(
        transformers.AutoModelForCausalLM.from_pretrained(base), adapter
    ).eval()
    for (text, continuation), one in zip(requests, found, strict=True):
        ids = generator.tokenizer(text + continuation, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            scores = model(input_ids=ids).logits[0, 3:].log_softmax(-1)
        start = ids.shape[1] - one.tokens
        right = sum(float(scores[at - 1, ids[0, at]]) for at in range(start, ids.shape[1]))
        assert one.value == pytest.approx(right, abs=1e-5)


def test_a_start_that_cannot_be_repeated_is_refused(base, tmp_path):
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights="pissa_niter_4")
    refused(
        save(base, tmp_path / "adapter", config),
        "randomised decomposition",
        "path_initial_model_for_weight_conversion",
    )


def test_a_prompt_that_needs_more_than_text_is_one_line(base, tmp_path):
    config = peft.MultitaskPromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3, num_tasks=2)
    generator = Generator(
        locate(Checkpoint.named(str(save(base, tmp_path / "adapter", config)))), device="cpu", dtype="float32"
    )
    with pytest.raises(RepalignError, match="'adapter' cannot answer prompts: task_ids cannot be None"):
        generator.answer(["The dog"], 4, progress=False)


RARER: dict[str, dict[str, Any]] = {
    "MissConfig": {"r": 2}, "FourierFTConfig": {"n_frequency": 20}, "RandLoraConfig": {"r": 2}, "HRAConfig": {"r": 2}, "LoHaConfig": {"r": 2},
    "WaveFTConfig": {"n_frequency": 20}, "AdaptionPromptConfig": {"adapter_len": 3, "adapter_layers": 2, "task_type": "CAUSAL_LM"},
}  # fmt: skip


@pytest.mark.parametrize("kind", RARER)
def test_rarer_methods_equal_the_model_that_was_saved(kind, base, tmp_path):
    if not hasattr(peft, kind):
        pytest.skip(f"this version of PEFT has no {kind}")
    modules = {} if kind == "AdaptionPromptConfig" else {"target_modules": ["q_proj", "v_proj"]}
    config = getattr(peft, kind)(**RARER[kind], **modules)
    model = peft.get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(base), config)
    train(model)
    model.save_pretrained(tmp_path)
    ids = torch.arange(5, 25)[None]
    with torch.inference_mode(), one_base():
        assert torch.allclose(
            loaded(tmp_path)(input_ids=ids).logits, model.eval()(input_ids=ids).logits, atol=1e-5
        )
        plain = transformers.AutoModelForCausalLM.from_pretrained(base)
        assert fingerprint(loaded(base)) == fingerprint(plain)


def test_a_decoy_beside_a_pickle_is_refused(base, tmp_path):
    adapter = save(base, tmp_path / "adapter", KINDS["lora"]())
    (adapter / "adapter_model.safetensors").rename(adapter / "decoy.safetensors")
    torch.save({}, adapter / "adapter_model.bin")
    refused(adapter, "pickled weights", "adapter_model.bin")


@pytest.mark.parametrize("where", ["target_modules", "exclude_modules", "rank_pattern", "alpha_pattern"])
def test_a_pattern_that_takes_for_ever_is_refused(where, base, tmp_path, monkeypatch):
    monkeypatch.setattr("repalign.models.adapters.SECONDS", 1)
    adapter = save(base, tmp_path / "adapter", KINDS["lora"]())
    bomb = r"(([a-z_.0-9]+)+)+\$!"
    settings(adapter, **{where: {bomb: 4} if where.endswith("_pattern") else bomb})
    refused(adapter, "takes more than 1 s")


def test_layers_repeated_beyond_any_model_are_refused(base, tmp_path):
    adapter = save(base, tmp_path / "adapter", KINDS["lora"]())
    settings(adapter, layer_replication=[[0, 3]] * 100_000)
    refused(adapter, "layer_replication makes 300,000 layers")
    settings(adapter, layer_replication=[[0, 3], "x"])
    refused(adapter, "layer_replication: '[1]': expected 'array', got 'str'")


def test_the_revision_of_the_base_is_the_one_the_adapter_names(base, tmp_path, monkeypatch):
    adapter = save(base, tmp_path / "adapter", KINDS["lora"]())
    settings(adapter, base_model_name_or_path="owner/base", revision="v2")
    asked = []

    def snapshot(repository, revision=None, allow_patterns=None):
        asked.append((repository, revision))
        return str(base)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    locate(Checkpoint.named(str(adapter)))
    assert asked == [("owner/base", "v2")]


def test_a_checkpoint_of_a_run_takes_the_tokenizer_of_the_run(base, tmp_path):
    run = tmp_path / "run" / "checkpoint-20"
    adapter = save(base, run, KINDS["lora"]())
    for path in base.glob("*token*"):
        shutil.copy(path, tmp_path / "run")
    assert locate(Checkpoint.named(str(adapter))).tokenizer == (tmp_path / "run").resolve()
