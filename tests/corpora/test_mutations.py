"""Damaged corpora end in one line that names them, never in a traceback: 20,000 mutations with a fixed seed."""

from __future__ import annotations

import random
import shutil

import pytest
from formats import SENTENCES, SHAPES
from mutations import mutated, refusal

from repalign.corpora import open_corpus
from repalign.corpora.checks import check

EACH = 20_000 // len(SHAPES) + 1


def mutate_one(folder, rng):
    """Change one file of a folder, or its name."""
    path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    path.write_bytes(mutated(path.read_bytes(), rng))
    if rng.random() < 0.05:
        path.rename(
            path.with_name(rng.choice(["en.txt", "a.json", "a.tmx", "x.gz", "zh.tsv", "id.csv", "a.parquet"]))
        )


def reads_or_refuses(shape, folder, seed):
    """Whether a mutated corpus was read."""
    rng = random.Random(f"{shape.name} {seed}")
    spec = shape.make(folder, SENTENCES)
    mutate_one(folder, rng)
    asked = rng.choice([None, shape.languages or None, ["en", "zh"]])
    return refusal(lambda: check(open_corpus(str(spec), asked))) is None


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_few_damaged_corpora_end_in_one_line(shape, tmp_path):
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        reads_or_refuses(shape, folder, seed)


@pytest.mark.heavy
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_thousands_of_damaged_corpora_end_in_one_line(shape, tmp_path):
    read = 0
    for seed in range(EACH):
        folder = tmp_path / "corpus"
        folder.mkdir()
        read += reads_or_refuses(shape, folder, seed)
        shutil.rmtree(folder)
    assert 0 < read < EACH, "some mutations are harmless, and not all"
