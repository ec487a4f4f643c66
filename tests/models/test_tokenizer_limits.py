"""Definitions of tokenizers that would take hours to load or fill any memory, refused before they are loaded."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models.loading import read_tokenizer
from repalign.models.locating import locate
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import tokenize
from repalign.models.tokenizer_limits import check_tokenizer


def added(count: int) -> list[dict]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    return [{"id": 400 + number, "content": f"<{number}>", **flags} for number in range(count)]


def template(parts: int, ids: int) -> dict:
    special = {"<s>": {"id": "<s>", "ids": [0] * ids, "tokens": ["<s>"] * ids}}
    single = [{"SpecialToken": {"id": "<s>", "type_id": 0}}] * parts + [
        {"Sequence": {"id": "A", "type_id": 0}}
    ]
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": special}


def sequence(*steps: dict) -> dict:
    return {"type": "Sequence", "normalizers": list(steps)}


HOSTILE = {
    "added tokens": {"added_tokens": added(80_000)},
    "steps": {"normalizer": sequence(*[{"type": "NFC"}] * 100_000)},
    "ByteLevel steps": {"normalizer": sequence(*[{"type": "ByteLevel"}] * 30)},
    "characters before each text": {
        "normalizer": sequence(*[{"type": "Prepend", "prepend": "x" * 1000}] * 100)
    },
    "tokens around each text": {"post_processor": {"type": "Sequence", "processors": [template(100, 100)]}},
}


@pytest.fixture
def folder(llama, tmp_path):
    return shutil.copytree(llama, tmp_path / "tok")


def change(path, **settings) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def refusal(folder) -> str:
    start = time.perf_counter()
    with pytest.raises(RepalignError) as caught:
        read_tokenizer(locate(Checkpoint.named(str(folder))))
    assert time.perf_counter() - start < 15  # a second where nothing else runs
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_definition_beyond_all_real_ones(what, folder):
    change(folder / "tokenizer.json", **HOSTILE[what])
    said = refusal(folder)
    assert f" {what}, and no tokenizer has more than" in said
    assert "tokenizer.json has" in said


@pytest.mark.parametrize("key", ["extra_special_tokens", "additional_special_tokens", "added_tokens_decoder"])
def test_tokens_added_by_the_configuration(key, folder):
    names = [f"<{number}>" for number in range(150_000)]
    decoder = {str(number): {"content": name} for number, name in enumerate(names)}
    change(folder / "tokenizer_config.json", **{key: decoder if key == "added_tokens_decoder" else names})
    assert "tokenizer_config.json has 150," in refusal(folder)


def test_words_split_at_random(folder):
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    change(folder / "tokenizer.json", model={**model, "dropout": 0.1})
    assert "splits words at random (dropout 0.1" in refusal(folder)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*)*$", "(a|a)*b|(.+)+x", "(?:.*.*)*=.*", "("])
def test_patterns_that_explode(pattern, folder):
    """The library of patterns that tokenizers uses gives up by itself; whatever it says is one line."""
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    change(folder / "tokenizer.json", pre_tokenizer=split)

    def read() -> None:
        tokenizer = read_tokenizer(locate(Checkpoint.named(str(folder))))
        tokenize(["a" * 5000], tokenizer, TEMPLATES["raw"], 2048, True)

    start = time.perf_counter()
    try:
        read()
    except RepalignError as error:
        said = str(error)
        assert "\n" not in said, said
    assert time.perf_counter() - start < 15


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        "[" * 10_000,
        '{"added_tokens": 3}',
        '{"normalizer": 3, "post_processor": [1]}',
        '{"post_processor": {"single": [3, {"SpecialToken": 3}], "special_tokens": {"a": 3}}}',
    ],
)
def test_what_is_no_definition_is_left_to_the_reader_of_tokenizers(text, tmp_path):
    (tmp_path / "tokenizer.json").write_text(text)
    check_tokenizer(tmp_path)
