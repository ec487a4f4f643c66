"""GGUF files: the states of the same weights in safetensors, the tokenizer converted once, the quantisation named."""

from __future__ import annotations

import numpy as np
import pytest
import transformers
from tiny_gguf import tiny_qwen, write_gguf

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models.loading import quantization_of, read_config, read_tokenizer
from repalign.models.locating import locate
from repalign.states.extraction import extract

gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_qwen(tmp_path_factory.mktemp("tokenizer"))


@pytest.mark.parametrize("kind", ["F32", "F16", "Q8_0"])
def test_states_are_those_of_the_same_weights_in_safetensors(kind, tiny, tmp_path, corpus, home, caplog):
    path = write_gguf(tmp_path / f"tiny-{kind}.gguf", *tiny, kind)
    whole = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name)
    same = transformers.Qwen2ForCausalLM(tiny[0].config)
    same.load_state_dict(whole.state_dict())
    same.save_pretrained(tmp_path / "same")
    transformers.AutoTokenizer.from_pretrained(tmp_path, gguf_file=path.name).save_pretrained(
        tmp_path / "same"
    )
    read, same = (extract(str(p), corpus, dtype="float32", progress=False) for p in (path, tmp_path / "same"))
    for language in corpus.languages:
        for layer in read.layers:
            assert np.array_equal(read.layer(language, layer), same.layer(language, layer))
    weights = locate(Checkpoint.named(str(path)))
    assert quantization_of(weights, read_config(weights)) == kind
    assert kind in str(read.signature)
    assert (
        quantization_of(*(lambda w: (w, read_config(w)))(locate(Checkpoint.named(str(tmp_path / "same")))))
        == ""
    )
    assert (read.checkpoint, read.signature.weights[:8]) == (f"tiny-{kind}", weights.digest[:8])


def test_blocks_that_only_the_configuration_has_are_refused_at_once(tiny, tmp_path):
    """Damaged, so that their number is unknown and the default of the architecture."""
    path = write_gguf(tmp_path / "tiny.gguf", *tiny, "F32")
    path.write_bytes(path.read_bytes().replace(b"qwen2.block_count", b"qwen2.block_c\nunt"))
    with pytest.raises(RepalignError, match=r"tiny\.gguf holds 2 blocks, and its configuration \d+; convert"):
        read_config(locate(Checkpoint.named(str(path))))


def test_the_tokenizer_is_converted_once(tiny, tmp_path, home, monkeypatch):
    path = write_gguf(tmp_path / "tiny.gguf", *tiny, "F16")
    weights = locate(Checkpoint.named(str(path)))
    first = read_tokenizer(weights)
    assert len(list((home / "gguf").iterdir())) == 1
    monkeypatch.setattr("gguf.GGUFReader", None)
    moved = locate(Checkpoint.named(str(path.rename(tmp_path / "moved.gguf"))))
    again = read_tokenizer(moved)
    assert again("A dog, 狗")["input_ids"] == first("A dog, 狗")["input_ids"]
    assert quantization_of(moved, read_config(moved)) == "F16"


def test_a_home_that_cannot_be_written_keeps_it_for_the_process(tiny, tmp_path, monkeypatch, caplog):
    path = write_gguf(tmp_path / "tiny.gguf", *tiny, "F16")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "file"))
    assert read_tokenizer(locate(Checkpoint.named(str(path))))
    assert "the converted tokenizer is not kept" in caplog.text


def refused(spec: str, corpus, *parts: str) -> None:
    with pytest.raises(RepalignError) as caught:
        extract(spec, corpus, store=False)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value), str(caught.value)


def test_what_is_wrong_is_said(tiny, tmp_path, corpus, monkeypatch):
    path = (
        write_gguf(tmp_path / "model" / "tiny.gguf", *tiny, "F16")
        if (tmp_path / "model").mkdir() is None
        else None
    )
    assert path is not None
    refused(str(path.parent), corpus, "holds GGUF files", f"--ckpt {path}")
    refused(f"{path}~random", corpus, "has no random twin")
    partial = write_gguf(tmp_path / "partial.gguf", *tiny, "F16", skip="blk.1.ffn_up.weight")
    refused(str(partial), corpus, "model.layers.1.mlp.up_proj.weight", "would be random")
    data = path.read_bytes()
    for name, damage in {
        "cut": data[: len(data) // 2],
        "empty": b"",
        "other": b"\0" * 1000,
        "text": b"version https://x",
    }.items():
        (tmp_path / f"{name}.gguf").write_bytes(damage)
        refused(str(tmp_path / f"{name}.gguf"), corpus, f"{name}.gguf")
    monkeypatch.setattr("repalign.models.gguf.find_spec", lambda name: None)
    refused(str(path), corpus, "pip install 'repalign[gguf]'")


def test_a_file_of_a_repository_on_the_hub(tiny, tmp_path, monkeypatch):
    path = write_gguf(tmp_path / "tiny-F16.gguf", *tiny, "F16")
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download",
        lambda *args, **options: asked.append((args, options)) or str(tmp_path),
    )
    checkpoint = Checkpoint.named("owner/tiny-GGUF/tiny-F16.gguf")
    assert checkpoint.name == "tiny-F16"
    assert locate(checkpoint).model == path
    assert asked == [(("owner/tiny-GGUF",), {"revision": None, "allow_patterns": ["tiny-F16.gguf"]})]
    with pytest.raises(RepalignError, match=r"has no file tiny-Q4\.gguf"):
        locate(Checkpoint.named("owner/tiny-GGUF/tiny-Q4.gguf"))
