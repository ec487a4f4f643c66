"""Files of a checkpoint: damaged, unsafe, misplaced, changed unnoticed. One line each; nothing hangs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from huggingface_hub.utils import filter_repo_objects

from repalign.checkpoints import Checkpoint, as_checkpoints
from repalign.checkpoints.digests import file_digest, weights_digest
from repalign.checkpoints.fetching import DOWNLOADED
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.models.loading import read_config, read_tokenizer
from repalign.models.locating import locate


@pytest.fixture
def copy(llama, tmp_path) -> Path:
    return shutil.copytree(llama, tmp_path / "copy")


def read(folder: Path) -> None:
    weights = locate(Checkpoint.named(str(folder)))
    read_config(weights)
    read_tokenizer(weights)


def refused(folder: Path, *parts: str) -> None:
    with pytest.raises(RepalignError) as caught:
        read(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 900
    for part in parts:
        assert part in message, message


BYTES = {
    "empty": b"", "list": b"[]", "cut": b"{", "null": b"null", "deep": b"[" * 100_000, "binary": b"\xff\xfe\x00",
    "deep object": b'{"a":' * 100_000, "half a pair": b'{"a":"\\ud800",',
}  # fmt: skip


@pytest.mark.parametrize("damage", BYTES)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_damaged_file_is_named(name, damage, copy):
    (copy / name).write_bytes(BYTES[damage])
    refused(copy, name)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "generation_config.json"]
)
def test_a_pointer_of_git_lfs_is_recognised(name, copy):
    (copy / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n")
    refused(copy, name, "Git LFS pointer", "git lfs pull")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "anything"])
def test_a_pipe_is_refused_and_not_waited_for(name, copy):
    (copy / name).unlink(missing_ok=True)
    os.mkfifo(copy / name)
    refused(copy, name, "a pipe or a device")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_loop_of_links_is_refused(name, copy):
    (copy / name).unlink()
    (copy / name).symlink_to(copy / name)
    refused(copy, name)


def test_links_to_other_folders_are_followed_as_in_the_cache_of_the_hub(copy, tmp_path):
    (copy / "model.safetensors").rename(tmp_path / "blob")
    (copy / "model.safetensors").symlink_to(tmp_path / "blob")
    assert locate(Checkpoint.named(str(copy)))


@pytest.mark.parametrize("modules", ["{", "[]", "{}", "[1]", '[{"idx": 0}]', '[{"path": 3}]'])
def test_a_damaged_list_of_modules_is_named(modules, copy):
    (copy / "modules.json").write_text(modules)
    refused(copy, "modules.json")


@pytest.mark.parametrize("path", ["/etc", "../copy2", "0/../../copy2", "..\\copy2", "C:/x"])
def test_a_module_stays_in_its_folder(path, copy):
    shutil.copytree(copy, copy.parent / "copy2")
    (copy / "modules.json").write_text(json.dumps([{"path": path}]))
    refused(copy, "modules.json", "outside its folder")


def test_a_module_in_a_folder_is_found(copy, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    copy.rename(whole / "0_Transformer")
    (whole / "modules.json").write_text(json.dumps([{"path": "0_Transformer"}, {"path": "1_Pooling"}]))
    assert locate(Checkpoint.named(str(whole))).model == whole / "0_Transformer"


@pytest.mark.parametrize(
    "setting", ["num_hidden_layers", "encoder_layers", "n_layer", "text.num_hidden_layers"]
)
def test_a_thousand_million_layers_are_refused_at_once(setting, copy):
    config = json.loads((copy / "config.json").read_text())
    outer, _, inner = setting.rpartition(".")
    (copy / "config.json").write_text(
        json.dumps(config | ({outer: {inner: 10**9}} if outer else {inner: 10**9}))
    )
    refused(copy, "config.json", "1,000,000,000", "no model has so many")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("model_type", []), ("architectures", [1]), ("architectures", 3), ("architectures", float("nan")), ("num_attention_heads", 0), ("pad_token_id", "x"),
     ("vocab_size", -5), ("hidden_act", "foo"), ("rope_parameters", {"rope_type": "foo"}), ("torch_dtype", "foo"), ("quantization_config", {"quant_method": "foo"})],
)  # fmt: skip
def test_a_setting_of_another_type_or_value_is_one_line(setting, value, copy, capsys):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {setting: value}))
    status = main(
        [
            "layers",
            "--ckpt",
            str(copy),
            "--corpus",
            "everyday",
            "--sentences",
            "30",
            "--no-report",
            "--out",
            str(copy / "out"),
        ]
    )
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("repalign: ")]
    assert status in (0, 1)
    assert status == 0 or (len(error) >= 1 and "copy" in error[-1])


def test_a_newer_tokenizer_file_is_named(copy):
    path = copy / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": {"type": "NextGeneration"}}))
    refused(copy, "tokenizer.json", "upgrade")


@pytest.mark.parametrize("spec", ["x" * 300, "x/" + "y" * 300, "./" + "z" * 5000])
def test_a_name_that_no_file_system_takes_is_one_line(spec):
    with pytest.raises(RepalignError) as caught:
        locate(Checkpoint.named(spec))
    assert "\n" not in str(caught.value)


def test_changed_weights_are_read_again_whatever_their_size_and_time(copy):
    weights = copy / "model.safetensors"
    before, data, times = weights_digest(copy), weights.read_bytes(), weights.stat()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))  # as rsync -t and archives leave it
    assert weights.stat().st_mtime_ns == times.st_mtime_ns
    assert weights_digest(copy) != before
    (copy.parent / "new").write_bytes(data)
    os.utime(copy.parent / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    (copy.parent / "new").replace(weights)
    assert weights_digest(copy) == before


@pytest.mark.parametrize("named", ["../other.safetensors", "other.safetensors", "adapter_model.bin", 3])
def test_a_configuration_that_names_other_weights_is_refused(named, copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"transformers_weights": named}))
    refused(copy, "config.json", "transformers_weights")


def test_only_what_is_loaded_decides_the_digest(copy):
    before = weights_digest(copy)
    (copy / "consolidated.safetensors").write_bytes(b"another format")
    (copy / "README.md").write_text("new")
    assert weights_digest(copy) == before


def test_a_remembered_digest_is_not_that_of_another_file(copy, tmp_path, home):
    one, other = copy / "model.safetensors", tmp_path / "other"
    other.write_bytes(b"1")
    assert file_digest(one) != file_digest(other)
    assert len(list((home / "digests").iterdir())) == 2


HASHING = """
import sys
from pathlib import Path
from repalign.checkpoints.digests import file_digest
for line in sys.stdin:
    print(file_digest(Path(line.strip())), flush=True)
"""


def test_processes_that_ask_for_one_digest_at_once_all_get_the_right_one(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HASHING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    paths = [tmp_path / str(number) for number in range(200)]
    for number, path in enumerate(paths):
        path.write_bytes(os.urandom(8) * (1 + number))
    asked = "".join(f"{path}\n" * 20 for path in paths)
    with ThreadPoolExecutor(len(processes)) as pool:
        answers = list(pool.map(lambda process: process.communicate(asked)[0].split(), processes))
    expected = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths for _ in range(20)]
    assert all(answer == expected for answer in answers)


@pytest.mark.parametrize("broken", ["file", "link"])
def test_a_home_that_cannot_be_written_does_not_stop_a_run_without_store(
    broken, llama, tmp_path, monkeypatch
):
    place = tmp_path / "home"
    place.write_text("") if broken == "file" else place.symlink_to(place)
    monkeypatch.setenv("REPALIGN_HOME", str(place))
    argv = [
        "layers",
        "--ckpt",
        str(llama),
        "--corpus",
        "everyday",
        "--sentences",
        "30",
        "--draws",
        "10",
        "--metrics",
        "p_at_1",
    ]
    assert main([*argv, "--no-store", "--no-report", "--out", str(tmp_path / "out")]) == 0


def test_ids_of_the_hub_without_an_owner():
    for name in (
        "gpt2",
        "xlm-roberta-base",
        "bert-base-multilingual-cased",
        "t5-small",
        "distilbert-base-uncased",
        "gpt2@v1",
    ):
        assert Checkpoint.named(name).location == name.partition("@")[0]
    for name in ("m-lama", "gpt5", "alpaka", "x-lama-zh", "t6-small"):
        with pytest.raises(RepalignError, match="no checkpoint named"):
            Checkpoint.named(name)


def test_an_adapter_on_such_an_id(copy, monkeypatch, llama):
    (copy / "config.json").unlink()
    (copy / "model.safetensors").rename(copy / "adapter_model.safetensors")
    (copy / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "xlm-roberta-base"}))
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **options: str(llama))
    assert locate(Checkpoint.named(str(copy))).model == llama


def test_every_tokenizer_file_is_downloaded_and_no_pickle():
    names = [
        "source.spm", "target.spm", "vocab.json", "sentencepiece.bpe.model", "spm.model", "spiece.model", "tokenizer.json", "vocab.txt",
        "bpe.codes", "dict.txt", "merges.txt", "qwen.tiktoken", "chat_template.jinja", "model.safetensors", "model.safetensors.index.json",
    ]  # fmt: skip
    unwanted = [
        "pytorch_model.bin",
        "model.pt",
        "tf_model.h5",
        "modeling_x.py",
        "flax_model.msgpack",
        "model.gguf",
    ]
    assert list(filter_repo_objects(names + unwanted, allow_patterns=list(DOWNLOADED))) == names


def test_checkpoints_of_a_run_are_in_the_order_of_their_steps(llama, tmp_path, caplog):
    for step in (1000, 200, 50):
        shutil.copytree(llama, tmp_path / "run" / f"checkpoint-{step}")
    given = [str(llama), *(str(tmp_path / "run" / f"checkpoint-{step}") for step in (1000, 200, 50))]
    names = [checkpoint.name for checkpoint in as_checkpoints(given)]
    assert names == [llama.name, "run/checkpoint-50", "run/checkpoint-200", "run/checkpoint-1000"]
    assert "in the order of their steps" in caplog.text
    caplog.clear()
    assert [c.name for c in as_checkpoints([given[3], given[0], given[1]])] == [names[1], names[0], names[3]]
    assert not caplog.text, "already in order"


def test_an_intermediate_checkpoint_takes_the_tokenizer_of_its_run(llama, tmp_path):
    step = shutil.copytree(llama, tmp_path / "run" / "checkpoint-50")
    for path in step.glob("*token*"):
        path.rename(tmp_path / "run" / path.name)
    assert locate(Checkpoint.named(str(step))).tokenizer == (tmp_path / "run").resolve()
    os.mkfifo(tmp_path / "run" / "vocab.txt")
    refused(step, "vocab.txt", "a pipe or a device")
    (tmp_path / "run" / "vocab.txt").unlink()
    other = step.rename(tmp_path / "run" / "final")
    refused(other, "has no tokenizer")
