"""Log-likelihoods of continuations are those of a plain loop, one text at a time."""

from __future__ import annotations

import pytest
import torch

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models.generation import Generator, Prompt
from repalign.models.locating import locate
from repalign.models.loglikelihood import choose, loglikelihoods

REQUESTS = [
    ("The dog sleeps in the garden.\nAnswer:", " A"),
    ("The dog sleeps in the garden.\nAnswer:", " B"),
    ("The dog sleeps in the garden.\nAnswer:", " because she reads a long book"),
    ("The dog sleeps ", "twice"),
    ("两只鸟在唱歌。", "我们吃面包"),
    ("Two birds", " sing."),
    ("", "We eat bread"),
]


def opened(folder, **options) -> Generator:
    return Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32", **options)


def plain(generator: Generator, text: str, continuation: str) -> float:
    """As the harness documents it, without batches."""
    spaces = len(text) - len(text.rstrip())
    text, continuation = text.rstrip(), text[len(text) - spaces :] + continuation
    before = generator.tokenizer(text)["input_ids"]
    tokens = generator.tokenizer(text + continuation)["input_ids"][len(before) :]
    ids = (before or [generator.tokenizer.bos_token_id]) + tokens
    with torch.inference_mode():
        scores = generator.model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return float(sum(scores[len(ids) - len(tokens) - 1 + i, token] for i, token in enumerate(tokens)))


@pytest.mark.parametrize("budget", [1, 60, 4000])
@pytest.mark.parametrize("bos", [True, False])
def test_likelihoods_equal_an_unbatched_loop(save_model, save_tokenizer, tmp_path, bos, budget):
    folder = save_model(tmp_path / "model")
    save_tokenizer(folder, bos=bos)
    generator = opened(folder, batch_tokens=budget)
    found = loglikelihoods(generator, REQUESTS, progress=False)
    assert [one.value for one in found] == pytest.approx(
        [plain(generator, *one) for one in REQUESTS], abs=1e-5
    )
    assert all(one.cut == 0 and one.tokens >= 1 for one in found)


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "mamba"])
def test_likelihoods_of_other_families_equal_an_unbatched_loop(save_model, tmp_path, kind):
    settings = {"n_positions": 256, "n_embd": 32, "n_head": 4, "n_layer": 2} if kind == "gpt2" else {}
    generator = opened(save_model(tmp_path / kind, kind, **settings), batch_tokens=200)
    found = loglikelihoods(generator, REQUESTS, progress=False)
    assert [one.value for one in found] == pytest.approx(
        [plain(generator, *one) for one in REQUESTS], abs=1e-5
    )


def test_likelihoods_without_logits_to_keep_are_the_same(llama, monkeypatch):
    generator = opened(llama)
    kept = loglikelihoods(generator, REQUESTS, progress=False)
    monkeypatch.setattr("repalign.models.loglikelihood._keeps", lambda generator: False)
    whole = loglikelihoods(generator, REQUESTS, progress=False)
    assert [one.value for one in whole] == pytest.approx([one.value for one in kept], abs=1e-6)


def test_the_model_reads_the_prompt_of_one_letter_choices_once(llama, monkeypatch):
    generator, read = opened(llama), []
    forward = type(generator.model).forward
    monkeypatch.setattr(
        type(generator.model),
        "forward",
        lambda self, input_ids, **more: read.append(len(input_ids)) or forward(self, input_ids, **more),
    )
    texts = ["Two birds", "We eat bread"]
    loglikelihoods(
        generator, [(text, letter) for text in texts for letter in ("A", "B", "C")], progress=False
    )
    assert sum(read) == len(texts)


def test_a_long_text_is_cut_on_the_left_and_keeps_bos(save_model, tmp_path):
    generator = opened(save_model(tmp_path / "short", max_position_embeddings=24))
    text = "The dog sleeps. She reads a long book in the garden. Two birds sing."
    (found,) = loglikelihoods(generator, [(text, " We eat")], progress=False)
    ids = generator.tokenizer(text + " We eat")["input_ids"]
    assert found.cut == len(ids) - 1 - 24
    ids = ids[:1] + ids[len(ids) - 24 :]
    with torch.inference_mode():
        scores = generator.model(torch.tensor([ids[:-1]])).logits[0].log_softmax(-1)
    start = len(ids) - found.tokens
    right = sum(float(scores[at - 1, ids[at]]) for at in range(start, len(ids)))
    assert found.value == pytest.approx(right, abs=1e-5)


def test_the_most_likely_choice_is_chosen_and_batches_are_reported(llama):
    generator, kept = opened(llama, batch_tokens=60), {}
    prompts = [
        Prompt(text, choices=(" A", " B", " the dog sleeps")) for text in ("Two birds", "We eat", "狗")
    ]
    answers = choose(generator, [*prompts, prompts[0]], progress=False, on_batch=kept.update)
    for prompt, answer in zip(prompts, answers, strict=False):
        values = [plain(generator, prompt.text, choice) for choice in prompt.choices]
        assert answer.loglikelihoods == pytest.approx(values, abs=1e-5)
        assert answer.text == prompt.choices[values.index(max(values))].strip()
    assert answers[3] == answers[0]
    assert kept == dict(zip(prompts, answers, strict=False))


def test_what_has_no_likelihood_is_refused_in_one_line(llama, save_model, tmp_path):
    with pytest.raises(RepalignError, match="has no tokens of its own"):
        loglikelihoods(opened(llama), [("Two birds", "")], progress=False)
    short = opened(save_model(tmp_path / "short", max_position_embeddings=4))
    with pytest.raises(RepalignError, match="does not fit the context of short, 4 tokens"):
        loglikelihoods(short, [("Two", " birds sing in the garden because of bread")], progress=False)
