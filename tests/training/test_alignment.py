"""Alignment measured while training."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from factories import weights
from repalign_training.__main__ import main
from repalign_training.recipe import load_recipe
from repalign_training.run import train
from transformers import AutoModelForCausalLM, AutoTokenizer


@pytest.mark.heavy
def test_alignment_is_measured_while_training_and_changes_nothing(recipe_file, tmp_path):
    from repalign_training.alignment import alignment

    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus

    plain = weights(train(load_recipe(recipe_file), tmp_path / "plain"))
    options = ["train.align_steps=5", "corpus=phrasebook"]
    folder = train(load_recipe(recipe_file, options), tmp_path / "watched")
    assert all(torch.equal(tensor, plain[name]) for name, tensor in weights(folder).items())
    lines = [json.loads(line) for line in (folder / "alignment.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 5, 10, 15, 16]
    corpus = ParallelCorpus.named("phrasebook").select(["en", "zh"], 100)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert lines[-1]["p_at_1"] == alignment(model.eval(), tokenizer, corpus, "en")
    assert Checkpoint.named(str(folder)).corpus == "phrasebook"
    assert main(["alignment", str(folder)]) == 0
    assert "alignment over training" in (folder / "alignment.html").read_text()


def test_the_log_of_alignment_becomes_a_series(tmp_path, capsys):
    from repalign_training.alignment_page import read_alignment

    about = {"pivot": "en", "corpus": "some", "sentences": 100}
    rising = [
        {"step": step, "p_at_1": {"zh": [0.01, step / 10], "el": [0.0, 0.02]}} | about for step in (0, 5, 9)
    ]
    lines = [json.dumps(entry) for entry in [*rising[:2], *rising[1:]]]  # resumed at step 5
    (tmp_path / "alignment.jsonl").write_text("\n".join(lines) + "\n")
    table = read_alignment(tmp_path / "alignment.jsonl").profile.table
    assert len(table) == 3 * 2 * 2
    last = table[(table["checkpoint"] == "step 9") & (table["layer"] == 1)].set_index("target")
    assert last.loc["zh", "value"] == 0.9
    assert last.loc["zh", "p_adjusted"] < 1e-9 < last.loc["el", "p_adjusted"]
    first = table[(table["checkpoint"] == "step 0") & (table["layer"] == 0)].set_index("target")
    assert first.loc["zh", "p"] == pytest.approx(1 - 0.99**100)  # one of a hundred, by chance
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert main(["alignment", str(tmp_path)]) == 0
    assert "Across checkpoints" in (tmp_path / "alignment.html").read_text()

    assert "<bdi>some</bdi>" in (tmp_path / "alignment.html").read_text()

    (tmp_path / "alignment.jsonl").write_text('{"step": 1}\n')
    assert main(["alignment", str(tmp_path)]) == 1
    assert main(["alignment", str(tmp_path / "none")]) == 1
    assert "is not a log of alignment" in (said := capsys.readouterr().err)
    assert "train.align_steps" in said


def test_the_page_says_what_changed_from_the_first_step_to_the_last(tmp_path):
    from repalign_training.alignment_log import packed, unpacked
    from repalign_training.alignment_page import alignment_page, read_alignment

    none, half = np.zeros(100, bool), np.arange(100) < 50
    assert unpacked(packed(half), 100).tolist() == half.astype(float).tolist()
    steps = ((0, none), (5, none), (9, half))
    entries = [
        {"step": step, "pivot": "en", "corpus": "some", "sentences": 100, "date": "2026-01-31",
         "p_at_1": {"zh": [0.0, hits.mean()], "el": [0.0, 0.0]},
         "hits": {"zh": [[packed(none), packed(hits)]] * 2, "el": [[packed(none)] * 2] * 2}}
        for step, hits in steps
    ]  # fmt: skip
    (tmp_path / "alignment.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    results = read_alignment(tmp_path / "alignment.jsonl")
    table = results.profile.table
    changed = table[table["baseline"].notna()].set_index(["source", "target", "layer"])
    assert set(changed["checkpoint"]) == {"step 9"}
    assert set(changed["baseline"]) == {"step 0"}
    assert changed.loc[("en", "zh", 1), "value"] == changed.loc[("zh", "en", 1), "value"] == 0.5
    assert changed.loc[("en", "zh", 1), "p_adjusted"] < 1e-9
    assert changed.loc[("en", "el", 1), "p"] == 1
    assert results.about["date"] == "2026-01-31"
    page = alignment_page(tmp_path).read_text()
    assert "closer to English" in page
