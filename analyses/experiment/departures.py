"""What the runs of `pretrained.py` do otherwise than the paper."""

from __future__ import annotations

from .kept import Kept


def departures(kept: Kept) -> list[str]:
    """What is done otherwise than in the paper, from what the runs record."""
    sizes = kept.plan["sizes"]
    cards = [about for about in kept.about.values() if "card" in about]
    found = []
    if cards:
        train, adapter = cards[0]["recipe"]["train"], cards[0]["recipe"]["adapter"] or {}
        templates = {one["card"]["template"] for one in cards}
        tuning = f"LoRA of rank {adapter.get('r')} on all linear layers" if adapter else "full fine-tuning"
        found += [
            f"{tuning}, {sizes['tokens']:,} tokens per run, batches of {train['batch']}, peak learning rate "
            f"{train['learning_rate']:g}, {train['precision']}; the paper tunes all weights of LLaMA-7B for three epochs.",
            f"Prompts in the frame {', '.join(sorted(templates))}; one training per recipe but for the seeds that the tables name.",
        ]
    found += [
        "Translation in both directions; the paper's mixture translates from English only (the recipe x-zh-forward).",
        "Translation pairs are from XNLI, Tatoeba, user interfaces and news rather than from News Commentary and WikiMatrix.",
        "There is no Alpaca in Arabic, Greek, Hindi and Turkish in the data: short instructions made from tldr-pages stand in for it, whose answers "
        "are shell commands.",
    ]
    if "sentences" in sizes:
        found.append(
            f"Alignment on {sizes['sentences']} sentences of NTREX-128, spread over its documents; the paper shows averages of one layer."
        )
    if "questions" in sizes:
        found.append(
            f"Answers to {sizes['questions']} questions of XQuAD in each language and {sizes['translations']} sentences of NTREX-128 in each "
            f"direction, of {', '.join(sizes['answer_languages'])}, at most 48 and 128 tokens, greedy; the paper reports all of XQuAD, MLQA and Flores."
        )
    return found
