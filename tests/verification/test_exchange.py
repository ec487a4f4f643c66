"""Folders of states: every accepted form, and one line for every malformed one."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from verification.factories import truth_of

from repalign import verify
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.verification.exchange import read_folder
from repalign.verification.prompts import pad_prompts
from repalign.verification.run import write_exchange


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, save_model):
    return save_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def truth(checkpoint):
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint).eval()
    return truth_of(model, transformers.AutoTokenizer.from_pretrained(checkpoint))


@pytest.fixture(scope="module")
def prompts(checkpoint, tmp_path_factory):
    return write_exchange(checkpoint, tmp_path_factory.mktemp("prompts"))


@pytest.fixture
def folder(prompts, tmp_path):
    (tmp_path / "states").mkdir()
    shutil.copy(prompts, tmp_path / "states")
    return tmp_path / "states"


def check(checkpoint, folder):
    return verify(checkpoint, folder, effect=False)


def write(folder, states, ids=None, dtype=torch.float32, key="states"):
    for number, one in enumerate(states):
        tensors = {key: one.to(dtype).contiguous()}
        if ids is not None:
            tensors["token_ids"] = ids[number]
        save_file(tensors, folder / f"{number:02d}.safetensors")


def test_prompts_are_written_with_what_is_expected(checkpoint, folder, truth):
    written = json.loads((folder / "prompts.json").read_text())
    assert written["prompts"] == [ids.tolist() for ids in truth.prompts]
    assert written["layers"] == [0, 1, 2, 3]
    assert written["dim"] == 32
    assert "hidden_states" in written["expected"]


def test_one_file_per_prompt(checkpoint, folder, truth):
    write(folder, truth.states, truth.prompts)
    verdict = check(checkpoint, folder)
    assert verdict.right
    assert verdict.probe_gap < 1e-4
    assert verdict.engine == "states"


def test_numpy_files(checkpoint, folder, truth):
    for number, one in enumerate(truth.states):
        np.save(folder / f"{number:02d}.npy", one.double().numpy())
    (folder / "engine.json").write_text(json.dumps({"engine": "mine", "version": "3"}))
    verdict = check(checkpoint, folder)
    assert verdict.right
    assert "|mine:3|float32|" in verdict.signature


def test_the_layout_of_vllm_with_some_layers_in_bfloat16(checkpoint, folder, truth):
    chosen = [one[[1, 3]].transpose(0, 1) for one in truth.states]
    write(folder, chosen, truth.prompts, torch.bfloat16, "hidden_states")
    with pytest.raises(RepalignError, match=r'say which in engine.json: \{"layers"'):
        check(checkpoint, folder)
    (folder / "engine.json").write_text(json.dumps({"layers": [1, 3]}))
    verdict = check(checkpoint, folder)
    assert verdict.right
    assert "|bfloat16|" in verdict.signature
    assert [row.layer for row in verdict.judgement.rows] == [1, 3]
    (folder / "engine.json").write_text(json.dumps({"layers": [1, 3], "dtype": "float32"}))
    assert check(checkpoint, folder).judgement.findings[0].fault.name == "rounded to bfloat16"
    (folder / "engine.json").write_text(json.dumps({"layers": [0, 2]}))
    assert check(checkpoint, folder).judgement.findings[0].fault.name == "embedding missing"


@pytest.mark.parametrize("mask", ["attention_mask", "lengths"])
@pytest.mark.parametrize("kind", ["safetensors", "npy"])
def test_all_prompts_in_one_padded_file(checkpoint, folder, truth, mask, kind):
    batch = pad_prompts(truth.prompts, 2)
    states = truth.script.run(batch.ids, mask=batch.mask).states.transpose(0, 1).contiguous()
    given = batch.mask if mask == "attention_mask" else batch.mask.sum(1)
    if kind == "npy":
        np.save(folder / "states.npy", states.numpy())
        np.save(folder / f"{mask}.npy", given.numpy())
    else:
        save_file({"states": states, mask: given}, folder / "states.safetensors")
    assert check(checkpoint, folder).right


def test_a_convention_can_be_declared(checkpoint, folder, truth):
    write(
        folder,
        [torch.cat([one[:-1], last[None]]) for one, last in zip(truth.states, truth.last, strict=True)],
    )
    (finding,) = check(checkpoint, folder).judgement.findings
    assert finding.fault.name == "last layer after the final norm"
    assert finding.layers == (3,)
    (folder / "engine.json").write_text(json.dumps({"conventions": ["last layer after the final norm"]}))
    verdict = check(checkpoint, folder)
    assert verdict.right
    assert verdict.probe_gap < 1e-4


def test_a_missing_embedding_is_found(checkpoint, folder, truth):
    write(folder, [one[1:] for one in truth.states])
    (finding,) = check(checkpoint, folder).judgement.findings
    assert finding.fault.name == "embedding missing"


def broken_json(folder, states):
    (folder / "engine.json").write_text("{")


def unknown_convention(folder, states):
    (folder / "engine.json").write_text('{"conventions": ["mine"]}')


def layer_outside(folder, states):
    (folder / "engine.json").write_text('{"layers": [0, 1, 2, 9]}')


def no_file(folder, states):
    (folder / "03.safetensors").unlink()


def both_files(folder, states):
    np.save(folder / "00.npy", states[0].numpy())


def not_safetensors(folder, states):
    (folder / "00.safetensors").write_bytes(b"\xff" * 40)


def a_pickle(folder, states):
    (folder / "00.safetensors").unlink()
    (folder / "00.npy").write_bytes(pickle.dumps({"states": 1}))


def objects(folder, states):
    (folder / "00.safetensors").unlink()
    np.save(folder / "00.npy", np.array([{}], dtype=object), allow_pickle=True)


def cut_short(folder, states):
    (folder / "00.safetensors").unlink()
    np.save(folder / "00.npy", states[0].numpy())
    data = (folder / "00.npy").read_bytes()
    (folder / "00.npy").write_bytes(data[: len(data) // 2])


def pooled(folder, states):
    save_file({"states": states[0].mean(1)}, folder / "00.safetensors")


def pooled_with_an_axis(folder, states):
    save_file({"states": states[0][:, :1].contiguous()}, folder / "00.safetensors")


def other_names(folder, states):
    save_file({"activations": states[0]}, folder / "00.safetensors")


def whole_numbers(folder, states):
    for number, one in enumerate(states):
        save_file({"states": one.long()}, folder / f"{number:02d}.safetensors")


def other_tokens(folder, states):
    ids = torch.arange(states[0].shape[1])
    save_file({"states": states[0], "token_ids": ids}, folder / "00.safetensors")


def unlike_layers(folder, states):
    save_file({"states": states[0][:2].contiguous()}, folder / "00.safetensors")


def outside(folder, states):
    shutil.move(folder / "00.safetensors", folder.parent / "elsewhere.safetensors")
    (folder / "00.safetensors").symlink_to(folder.parent / "elsewhere.safetensors")


def other_weights(folder, states):
    prompts = json.loads((folder / "prompts.json").read_text())
    (folder / "prompts.json").write_text(json.dumps({**prompts, "weights": "0" * 64}))


def other_prompts(folder, states):
    prompts = json.loads((folder / "prompts.json").read_text())
    (folder / "prompts.json").write_text(json.dumps({**prompts, "digest": "0" * 64}))


def padded_without_lengths(folder, states):
    save_file({"states": torch.zeros(4, 10, 9, 32)}, folder / "states.safetensors")


def padded_with_other_lengths(folder, states):
    save_file({"states": torch.zeros(4, 10, 9, 32), "lengths": torch.ones(3)}, folder / "states.safetensors")


def padded_with_an_other_mask(folder, states):
    save_file(
        {"states": torch.zeros(4, 10, 9, 32), "attention_mask": torch.ones(3)}, folder / "states.safetensors"
    )


def padded_in_three_axes(folder, states):
    save_file({"states": torch.zeros(4, 9, 32)}, folder / "states.safetensors")


MALFORMED = {
    broken_json: "not valid JSON",
    unknown_convention: "no convention of .*engine.json named .*; known: embedding missing, ",
    layer_outside: "expected 4 from 0 to 3",
    no_file: "03.safetensors or 03.npy for prompt 3 of 10, found neither",
    both_files: "found both",
    not_safetensors: "00.safetensors cannot be read",
    a_pickle: "00.npy cannot be read",
    objects: "00.npy cannot be read",
    cut_short: "00.npy cannot be read",
    pooled: "pooled states cannot be verified",
    pooled_with_an_axis: "pooled states cannot be verified",
    other_names: "expected 'states' .*, got activations",
    whole_numbers: "states are int64; expected",
    other_tokens: "token_ids are .* those of the prompt .* not text",
    unlike_layers: "different numbers of layers: \\[2, 4\\]",
    outside: "leads out of",
    other_weights: "is for other weights",
    other_prompts: "holds other prompts",
    padded_without_lengths: "add attention_mask",
    padded_with_other_lengths: "expected 10 lengths",
    padded_with_an_other_mask: "attention_mask has shape",
    padded_in_three_axes: "expected \\[layer, prompt, token, dim\\]",
}


@pytest.mark.parametrize("damage", MALFORMED, ids=lambda damage: damage.__name__)
def test_a_malformed_folder_gets_one_line(damage, folder, truth):
    write(folder, truth.states, truth.prompts)
    weights = json.loads((folder / "prompts.json").read_text())["weights"]
    damage(folder, truth.states)
    with pytest.raises(RepalignError, match=MALFORMED[damage]) as caught:
        read_folder(folder, weights, truth.prompts, truth.n_layers)
    assert "\n" not in str(caught.value)


def test_the_command_says_what_is_wrong_and_exits_with_one(checkpoint, folder, truth, tmp_path, capsys):
    out = tmp_path / "out"
    write(folder, truth.states)
    assert main(["verify", str(checkpoint), "--against", str(folder), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "right: 4 layers are those of the model" in captured.out
    assert captured.out.splitlines()[-1] == f"wrote {out}: verification.json"
    write(folder, [one.roll(1, 1) for one in truth.states])
    assert (
        main(["verify", str(checkpoint), "--against", str(folder), "--out", str(out), "--sentences", "12"])
        == 1
    )
    captured = capsys.readouterr()
    assert "tokens shifted" in captured.out
    assert "effect of tokens shifted: P@1 en-zh, 12 sentences" in captured.out
    assert captured.err.splitlines()[-1].startswith("repalign: wrong: tokens shifted (layers 0-3): ")
    assert "Traceback" not in captured.err
    saved = json.loads((out / "verification.json").read_text())
    assert saved["right"] is False
    assert saved["faults"][0]["layers"] == [0, 1, 2, 3]
    assert saved["faults"][0]["effect"]["sentences"] == 12
    assert saved["signature"].startswith("tiny@")


def test_the_command_reports_a_malformed_folder_in_one_line(checkpoint, folder, truth, capsys):
    write(folder, truth.states)
    a_pickle(folder, truth.states)
    assert main(["verify", str(checkpoint), "--against", str(folder)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith("repalign: ")
    assert "00.npy cannot be read" in captured.err.splitlines()[-1]


def test_the_command_prints_json(checkpoint, folder, truth, capsys):
    write(folder, [0 * one for one in truth.states])
    assert main(["verify", str(checkpoint), "--against", str(folder), "--json", "--no-effect"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert [row["verdict"] for row in printed["layers"]] == ["zeros"] * 4
    assert printed["faults"][0]["effect"] is None


def test_the_command_writes_prompts(checkpoint, tmp_path, capsys):
    assert main(["verify", str(checkpoint), "--write-prompts", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.strip() == f"wrote {tmp_path / 'new'}: prompts.json"
    (tmp_path / "file").touch()
    assert main(["verify", str(checkpoint), "--write-prompts", str(tmp_path / "file" / "new")]) == 1
    assert "choose another --write-prompts" in capsys.readouterr().err
