"""Faulty engines: each fault as the package plants it, and variants whose constants the package does not know."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from families import build
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from repalign.models.engine import TOLERANCE, Engine
from repalign.models.templates import RAW
from repalign.models.tokenization import tokenize
from repalign.verification.comparing import Claimed, compare
from repalign.verification.faults import CONVENTIONS, FAULTS, Fault
from repalign.verification.judging import Judgement, judge
from repalign.verification.prompts import TEXTS, ids_of, pad_prompts
from repalign.verification.script import Script
from repalign.verification.truth import Plant, States, Truth, read_truth

FAMILIES = (
    "llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "mixtral", "gpt2", "bloom", "opt", "bert", "xlm-roberta", "t5",
)  # fmt: skip
AUTO = {
    "bert": transformers.AutoModel,
    "xlm-roberta": transformers.AutoModel,
    "t5": transformers.AutoModelForSeq2SeqLM,
}
BY_NAME = {fault.name: fault for fault in (*CONVENTIONS, *FAULTS)}


def tiny_model(kind: str, seed: int = 0) -> PreTrainedModel:
    """A tiny random model; the seed exchanges the numbers within each tensor of weights."""
    encoder = {"is_decoder": False} if kind in AUTO else {}
    model = build(kind, AUTO.get(kind, transformers.AutoModelForCausalLM), **encoder)
    draw = torch.Generator().manual_seed(seed)
    for parameter in model.parameters() if seed else ():
        parameter.copy_(
            parameter.flatten()[torch.randperm(parameter.numel(), generator=draw)].view_as(parameter)
        )
    return model


def save_tiny(kind: str, folder: Path, tokenizer: PreTrainedTokenizerBase, seed: int = 0) -> Path:
    tiny_model(kind, seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def truth_of(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Truth:
    engine = Engine.around(model, tokenizer)
    prompts = ids_of(tokenize(TEXTS, tokenizer, RAW, 512, engine.causal))
    return read_truth(Script.around(engine, prompts[0]), prompts)


def judged(truth: Truth, states: States, **claims: object) -> Judgement:
    """The judgement on float32 states with all layers."""
    claims = {"layers": range(len(states[0])), **claims}
    return judge(truth, Claimed("planted", states, **claims), [TOLERANCE["float32"]] * truth.n_layers)  # type: ignore[arg-type]


def outcome(truth: Truth, fault: Fault, plant: Plant | None = None) -> str:
    """How a planted fault is named: "named"; "harmless" where it changes nothing; "as X" where X gives the same states.

    Anything else is what the judgement says, in brackets: a miss.
    """
    states = (plant or fault.plant)(truth)
    judgement = judged(truth, states)
    names = [finding.fault.name for finding in judgement.findings]
    if names == [fault.name]:
        return "named"
    claimed = Claimed("planted", states, range(len(states[0])))
    if judgement.right and _equal(claimed, truth.states):
        return "harmless"
    if len(names) == 1 and _equal(claimed, BY_NAME[names[0]].plant(truth)):
        return f"as {names[0]}"
    return f"[{', '.join(names) or 'right'}]"


def _equal(claimed: Claimed, states: States) -> bool:
    gaps = compare(claimed, states)
    return gaps.complete and max(gaps.by_layer()) <= TOLERANCE["float32"]


def at(layer: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Plant:
    """A change of one layer [token, dim]."""

    def plant(truth: Truth) -> States:
        states = [one.clone() for one in truth.states]
        for one in states:
            one[layer] = change(one[layer])
        return states

    return plant


def layers(order: list[int]) -> Plant:
    return lambda truth: [one[order] for one in truth.states]


def _padded_with_another_token(truth: Truth) -> States:
    batch = pad_prompts(truth.prompts, pad_id=77, left=truth.script.causal)
    return batch.cut(truth.script.run(batch.ids).states)


def _padding_included_on_the_left(truth: Truth) -> States:
    batch = pad_prompts(truth.prompts, truth.script.pad_id)
    noise = torch.Generator().manual_seed(0)
    made = []
    for one, ids in zip(truth.states, truth.prompts, strict=True):
        pads = torch.randn(len(one), batch.ids.shape[1] - len(ids), one.shape[2], generator=noise)
        made.append(torch.cat([pads, one], dim=1))
    return made


def _all_in_one_sequence(truth: Truth) -> States:
    states = truth.script.run(torch.cat(list(truth.prompts))[None]).states[0]
    return list(states.split([len(ids) for ids in truth.prompts], dim=1))


def _other_seed(truth: Truth) -> States:
    script = copy.deepcopy(truth.script)
    draw = torch.Generator().manual_seed(7)
    for matrix in script.body.parameters():
        matrix.copy_(matrix.flatten()[torch.randperm(matrix.numel(), generator=draw)].view_as(matrix))
    return read_truth(script, truth.prompts).states


def _tuned_a_little(truth: Truth) -> States:
    script = copy.deepcopy(truth.script)
    draw = torch.Generator().manual_seed(7)
    for matrix in script.body.parameters():
        matrix.mul_(1 + 0.01 * torch.randn(matrix.shape, generator=draw))
    return read_truth(script, truth.prompts).states


VARIANTS: tuple[tuple[str, str, Plant], ...] = (
    ("layers in the wrong order", "two exchanged", layers([0, 2, 1, 3, 4])),
    ("layers repeated", "one copied", layers([0, 1, 1, 3, 4])),
    ("zeros", "one layer", at(2, torch.zeros_like)),
    ("not finite", "infinite at the last layer", at(-1, lambda one: one + torch.inf)),
    ("constant", "one layer, the last token's", at(3, lambda one: one[-1:].expand_as(one))),
    (
        "constant",
        "every layer, the last token's",
        lambda truth: [s[:, -1:].expand_as(s) for s in truth.states],
    ),
    ("scaled", "by 3", lambda truth: [3 * s for s in truth.states]),
    ("scaled", "one layer by -1", at(2, lambda one: -one)),
    (
        "prompts in the wrong order",
        "sorted by length",
        lambda truth: sorted(truth.states, key=lambda s: s.shape[1]),
    ),
    ("tokens shifted", "to the left", lambda truth: [s.roll(-1, 1) for s in truth.states]),
    ("tokens missing", "the last", lambda truth: [s[:, :-1] for s in truth.states]),
    ("dims missing", "half of them", lambda truth: [s[..., : s.shape[-1] // 2] for s in truth.states]),
    ("padding leak", "with an unknown token", _padded_with_another_token),
    ("padding included", "on the left", _padding_included_on_the_left),
    ("depends on the batch", "all prompts in one sequence", _all_in_one_sequence),
    ("less precise", "weights changed by 1%", _tuned_a_little),
    ("other weights", "another seed", _other_seed),
)
"""Name of the fault, what is unlike the package's own, and the states."""
