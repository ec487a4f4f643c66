"""Hooks: blocks and sites found by structure, equal to nnsight and the model's own; refusals that say why."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from families import BOS, PAD, build
from torch import nn

from repalign.errors import RepalignError
from repalign.models.anatomy import body_of, find_blocks
from repalign.models.engine import Engine
from repalign.models.hooks import SITES, LayerReader
from repalign.models.load_checks import check_layers

LENGTHS = (5, 21, 13)


@pytest.fixture(scope="module")
def inputs() -> dict[str, torch.Tensor]:
    """Three right-padded sentences of random tokens."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(3, 384, (len(LENGTHS), max(LENGTHS)), generator=generator)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    ids[:, 0] = BOS
    return {"input_ids": ids.masked_fill(~mask, PAD), "attention_mask": mask.long()}


def states_at(body: nn.Module, inputs, site: str = "resid", layers=None) -> list[torch.Tensor]:
    with torch.inference_mode():
        return LayerReader(body, site, layers).run(lambda hidden: hidden.clone(), **inputs)


PATHS = {
    "llama": "layers",
    "gpt2": "h",
    "gpt_neox": "layers",
    "gemma2": "layers",
    "falcon": "h",
    "opt": "layers",
}


@pytest.mark.parametrize("kind", PATHS)
def test_hooks_equal_nnsight_and_output_hidden_states(kind, inputs):
    import nnsight

    body = body_of(build(kind))
    ours = states_at(body, inputs)
    with torch.inference_mode():
        theirs = body(**inputs, output_hidden_states=True).hidden_states
    traced = nnsight.NNsight(body)
    blocks = getattr(traced, PATHS[kind])
    with torch.inference_mode(), traced.trace(**inputs):
        seen = nnsight.save([])
        seen.append(blocks[0].input)
        for block in blocks:
            output = block.output
            seen.append(output[0] if isinstance(output, tuple) else output)
    real = inputs["attention_mask"].bool()
    assert len(ours) == len(seen) == len(theirs)
    for layer, (one, other) in enumerate(zip(ours, seen, strict=True)):
        torch.testing.assert_close(one[real], other[real], atol=1e-5, rtol=1e-5)
        if layer < len(ours) - 1:
            torch.testing.assert_close(one[real], theirs[layer][real], atol=1e-5, rtol=1e-5)
    assert (ours[-1] - theirs[-1])[real].abs().max() > 1e-3, "the last hidden state is after the final norm"


# One after the other, or (gpt_neox, falcon, phi) both to the block's input.
ADDING = (
    "llama", "gpt2", "gpt_neox", "falcon", "bloom", "mpt", "opt", "xglm", "phi", "qwen3_next", "mixtral",
    "olmo", "rwkv",
)  # fmt: skip


@pytest.mark.parametrize("kind", ADDING)
def test_attention_and_mlp_are_what_a_block_adds(kind, inputs):
    body = body_of(build(kind))
    layers = states_at(body, inputs)
    parts = zip(states_at(body, inputs, "attn"), states_at(body, inputs, "mlp"), strict=True)
    for before, after, (attention, mlp) in zip(layers[:-1], layers[1:], parts, strict=True):
        if kind == "rwkv":  # its first block normalises its input before adding
            before = find_blocks(body)[0].pre_ln(before) if before is layers[0] else before
        torch.testing.assert_close(after, before + attention + mlp, atol=1e-5, rtol=1e-5)


def test_post_norm_blocks_add_before_the_norm(inputs):
    body = body_of(build("bert"))
    layers = states_at(body, inputs)
    attention, mlp = (states_at(body, inputs, site, [2])[0] for site in ("attn", "mlp"))
    block = find_blocks(body)[1]
    inside = block.attention.output.LayerNorm(layers[1] + attention)
    torch.testing.assert_close(layers[2], block.output.LayerNorm(inside + mlp), atol=1e-5, rtol=1e-5)


DOWN = {
    "llama": "down_proj",
    "gpt2": "c_proj",
    "gptj": "fc_out",
    "phi": "fc2",
    "bloom": "dense_4h_to_h",
    "lfm2": "w2",
}


@pytest.mark.parametrize("kind", DOWN)
def test_activations_are_what_the_down_projection_reads(kind, inputs):
    body = body_of(build(kind))
    for block, seen, mlp in zip(
        find_blocks(body), states_at(body, inputs, "mlp-act"), states_at(body, inputs, "mlp"), strict=True
    ):
        down = getattr(block.mlp if hasattr(block, "mlp") else block.feed_forward, DOWN[kind])
        assert seen.shape[-1] > mlp.shape[-1]
        torch.testing.assert_close(down(seen), mlp, atol=1e-5, rtol=1e-5)


def test_activations_of_gated_and_plain_mlps(inputs):
    gated = find_blocks(body_of(build("llama")))[0].mlp
    body = body_of(build("llama"))
    layers, attention = states_at(body, inputs, layers=[0])[0], states_at(body, inputs, "attn", [1])[0]
    normed = find_blocks(body)[0].post_attention_layernorm(layers + attention)
    expected = gated.act_fn(gated.gate_proj(normed)) * gated.up_proj(normed)
    torch.testing.assert_close(states_at(body, inputs, "mlp-act", [1])[0], expected, atol=1e-5, rtol=1e-5)


def test_embed_and_final_are_the_ends(inputs):
    body = body_of(build("gpt2"))
    layers = states_at(body, inputs)
    torch.testing.assert_close(states_at(body, inputs, "embed")[0], layers[0])
    torch.testing.assert_close(
        states_at(body, inputs, "final")[0], body.ln_f(layers[-1]), atol=1e-5, rtol=1e-5
    )
    positions = torch.arange(inputs["input_ids"].shape[1])
    torch.testing.assert_close(layers[0], body.wte(inputs["input_ids"]) + body.wpe(positions))


def test_blocks_after_the_last_wanted_layer_do_not_run(inputs):
    body = body_of(build("llama"))
    everything = states_at(body, inputs)
    runs = []
    for number, block in enumerate(find_blocks(body), 1):
        block.register_forward_hook(lambda *_, number=number: runs.append(number))
    for layers, expected in (([0], []), ([2, 1], [1, 2]), ([0, 3], [1, 2, 3])):
        runs.clear()
        for layer, state in zip(sorted(layers), states_at(body, inputs, layers=layers), strict=True):
            torch.testing.assert_close(state, everything[layer])
        assert runs == expected
    assert LayerReader(body, layers=[2, 0, 2]).layers == (0, 2)
    runs.clear()
    states_at(body, inputs, "attn", [1])
    assert runs == []


def test_no_hook_stays_behind(inputs):
    body = body_of(build("llama"))

    def hooks() -> int:
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in body.modules())

    before = hooks()
    for site in SITES:
        states_at(body, inputs, site)
    assert hooks() == before
    with pytest.raises(ZeroDivisionError):
        LayerReader(body).run(lambda hidden: 1 / 0, **inputs)
    assert hooks() == before


@pytest.mark.parametrize(
    ("site", "layers", "message"),
    [
        ("residual", None, "known: attn, embed, final, mlp, mlp-act, resid"),
        ("resid", [5], r"no layer 5 .* layers are 0\.\.4"),
        ("mlp", [0], r"no layer 0 .* layers are 1\.\.4"),
        ("final", [1], r"no layer 1 .* layers are 4\.\.4"),
        ("embed", [1], r"no layer 1 .* layers are 0\.\.0"),
    ],
)
def test_a_site_or_layer_that_is_not_there_is_named(site, layers, message):
    with pytest.raises(RepalignError, match=message):
        LayerReader(body_of(build("llama")), site, layers)


@pytest.mark.parametrize(
    ("kind", "site", "message"),
    [
        (
            "mixtral",
            "mlp-act",
            r"block 1 \(MixtralDecoderLayer\) does not have exactly one module for site 'mlp-act'",
        ),
        ("falcon_h1", "attn", "candidates: self_attn, mamba"),
        ("longcat_flash", "mlp", "candidates: mlp, mlps"),
        ("granitemoeshared", "mlp-act", "candidates: block_sparse_moe, shared_mlp"),
        ("mamba", "mlp", "candidates: norm, mixer"),
    ],
)
def test_a_block_without_one_such_part_is_refused(kind, site, message):
    with pytest.raises(RepalignError, match=message):
        LayerReader(body_of(build(kind)), site)


def test_layers_that_have_the_part_are_read_where_others_have_not(inputs):
    body = body_of(build("deepseek_v3"))  # the first block is dense, the others are mixtures of experts
    with pytest.raises(RepalignError, match="choose --layers"):
        LayerReader(body, "mlp-act")
    assert states_at(body, inputs, "mlp-act", [1])[0].shape == (*inputs["input_ids"].shape, 48)


class Toy(nn.Module):
    """Blocks that can misbehave in one way each."""

    class Config:
        num_hidden_layers = 3
        rescale_every = 0

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.config, self.fault = self.Config(), fault
        self.embed = nn.Embedding(400, 8)
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(3))
        if fault == "two lists":
            self.twins = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.norm = nn.LayerNorm(8)

    def forward(self, input_ids, attention_mask=None, output_hidden_states=False):
        from transformers.modeling_outputs import BaseModelOutput

        hidden = self.embed(input_ids)
        seen = [hidden]
        order = {"loop": (0, 1, 1, 2), "order": (1, 0, 2), "skip": (0, 1)}.get(self.fault, (0, 1, 2))
        for index in order:
            hidden = self.layers[index](hidden)
            seen.append(hidden * 2 if self.fault == "scaled" and index == 1 else hidden)
        last = self.norm(hidden + seen[0] if self.fault == "bypass" else hidden)
        states = None if self.fault == "silent" else (*seen[:-1], last)
        return BaseModelOutput(last_hidden_state=last, hidden_states=states if output_hidden_states else None)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("two lists", r"ModuleLists of length \[3\]: layers, twins"),
        ("loop", "layer 2 of Toy is computed several times"),
        ("order", "layer 0 of Toy is computed several times or out of order"),
        ("skip", r"layers \[3\] of Toy do not run"),
        ("scaled", "layer 2 of Toy differs from output_hidden_states"),
        ("bypass", "the last states of Toy do not follow from block 3"),
        ("silent", "Toy returns no hidden states to check its layers against"),
    ],
)
def test_a_model_that_cannot_be_read_is_refused(fault, message, inputs):
    check_layers(Toy(), inputs, 1e-5)
    with pytest.raises(RepalignError, match=message):
        check_layers(Toy(fault), inputs, 1e-5)


def test_the_body_is_found_under_heads_wrappers_and_adapters():
    import peft

    model = build("llama")
    assert body_of(model) is model.model is body_of(model.model)
    wrapped = peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM"))
    assert body_of(wrapped) is model.model
    assert type(body_of(build("bart"))).__name__ == "BartDecoder"
    assert type(body_of(build("llama4"))).__name__ == "Llama4TextModel"
    image = build("gemma3")
    assert body_of(image) is image.model.language_model
    assert body_of(build("rwkv")).config.rescale_every == 0


def test_streams_and_swapped_axes_are_read_in_one_order(inputs):
    for kind, streams in (("gemma3n_text", 4), ("deepseek_v4", 4), ("xlnet", 1)):
        body = body_of(build(kind))
        with torch.inference_mode():
            theirs = body(**inputs, output_hidden_states=True).hidden_states[1]
        ours = states_at(body, inputs, layers=[1])[0]
        assert ours.shape == (*inputs["input_ids"].shape, 32 * streams)
        if kind == "gemma3n_text":
            theirs = torch.cat([*theirs], dim=-1)
        elif kind == "deepseek_v4":
            theirs = torch.cat([theirs[:, :, stream] for stream in range(4)], dim=-1)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_sites_differ_and_pool_alike(tmp_path, save_tokenizer):
    from repalign.models.templates import TEMPLATES
    from repalign.models.tokenization import tokenize

    tokenizer = save_tokenizer(tmp_path)
    model, means = build("gpt2"), {}
    for site in SITES:
        engine = Engine.around(model, tokenizer, site=site)
        engine.check("gpt2")
        rows = tokenize(["Two birds sing."], tokenizer, TEMPLATES["raw"], 64, causal=True)
        means[site] = engine.pool(rows, ["mean"])[0, -1, 0]
    assert means["mlp-act"].shape == (128,)
    others = [means[site] for site in ("resid", "embed", "attn", "mlp", "final")]
    assert all(np.abs(a - b).max() > 1e-3 for i, a in enumerate(others) for b in others[:i])
