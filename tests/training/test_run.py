"""From a recipe to a finished folder: interrupted, resumed, refused, adapted."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import repalign_training
import torch
from repalign_training import family
from repalign_training.__main__ import main
from repalign_training.data.dataset import Data, read_data
from repalign_training.data.encoding import Encoded
from repalign_training.data.packing import IGNORED, Collator, Rows
from repalign_training.folder import last_checkpoint
from repalign_training.model import new_model
from repalign_training.recipe import load_recipe
from repalign_training.run import train
from repalign_training.tokenizer import train_tokenizer
from repalign_training.trainer import make_trainer
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from repalign.checkpoints import Card
from repalign.errors import RepalignError

TINY = """
languages = ["en", "zh"]
mixture = "translation_*-*[0:120] + text_en[0:60]"
template = "brief"

[sources]
translation = { kind = "phrasebook-translation", brief = true }
text = { kind = "phrasebook-text" }

[tokenizer]
vocabulary = 500

[model]
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 2
num_attention_heads = 2
num_key_value_heads = 2

[train]
batch = 8
max_length = 128
learning_rate = 3e-3
save_steps = 3
held_out = 8
"""


@pytest.fixture
def recipe_file(tmp_path, monkeypatch):
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "home"))
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return str(path)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def interrupt_at(monkeypatch, *steps):
    """Ctrl-C in the middle of a run, once at each of those steps."""
    from repalign_training.progress import Progress

    waiting, step_end = list(steps), Progress.on_step_end

    def on_step_end(self, args, state, control, **kwargs):
        step_end(self, args, state, control, **kwargs)
        if waiting and state.global_step >= waiting[0]:
            waiting.pop(0)
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_step_end", on_step_end)


def test_a_run_and_its_card(recipe_file, tmp_path, caplog):
    caplog.set_level("INFO", logger="repalign.training")
    recipe = load_recipe(recipe_file)
    folder = train(recipe)
    assert folder == tmp_path / "home" / "checkpoints" / "tiny"
    card = Card.read(folder)
    assert card.recipe == recipe.as_dict()
    assert card.recipe_digest == recipe.digest
    assert card.losses["last"] < card.losses["first"]
    assert (card.template, card.seed) == ("brief", 0)
    assert sum(part["items"] for part in card.mixture) == 300
    assert {path.name for path in folder.iterdir()} >= {"model.safetensors", "tokenizer.json", "config.json"}
    assert not {path.name for path in folder.iterdir()} & {"run.json", "steps", "training_args.bin", ".lock"}

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    assert model.config.tie_word_embeddings
    assert tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    assert (
        tokenizer.decode(tokenizer("ναι，ठीक है 🙂")["input_ids"], skip_special_tokens=True) == "ναι，ठीक है 🙂"
    )

    data = read_data(recipe, tokenizer)
    assert card.tokens == data.train.tokens == sum(part["tokens"] for part in card.mixture)
    nats = tokens = 0
    for row in data.held_out:
        batch = Collator(tokenizer.pad_token_id)([row])
        count = int((batch["labels"][:, 1:] != IGNORED).sum())
        nats, tokens = nats + count * model(**batch).loss.item(), tokens + count
    assert card.losses["held_out"] == pytest.approx(nats / tokens, rel=1e-4)

    stamp = (folder / "model.safetensors").stat().st_mtime_ns
    assert train(recipe) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == stamp
    assert caplog.messages[-1] == f"tiny: already trained: {folder}"
    with pytest.raises(RepalignError, match=r"holds another run \(seed 0 -> 1\)"):
        train(load_recipe(recipe_file, seed=1))


def test_interrupted_and_resumed_equals_undisturbed(recipe_file, tmp_path, monkeypatch):
    recipe = load_recipe(recipe_file, ["train.epochs=2", "train.schedule=warmup_stable_decay"])
    undisturbed = weights(train(recipe, tmp_path / "undisturbed"))
    interrupt_at(monkeypatch, 4, 5, 13)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train(recipe, tmp_path / "resumed")
        with pytest.raises(RepalignError, match="holds another run"):
            train(load_recipe(recipe_file), tmp_path / "resumed")
    resumed = weights(train(recipe, tmp_path / "resumed"))
    assert all(torch.equal(resumed[name], undisturbed[name]) for name in undisturbed)
    card = Card.read(tmp_path / "resumed")
    assert card.tokens == 2 * sum(part["tokens"] for part in card.mixture)  # two epochs


def test_accumulated_batches_equal_whole_ones_and_seeds_differ(recipe_file, tmp_path):
    short = ["mixture=text_en[0:60]", "train.packing=false", "train.held_out=0"]

    def run(name, *overrides, seed=0):
        folder = train(load_recipe(recipe_file, [*short, *overrides], seed), tmp_path / name)
        return Card.read(folder).losses, weights(folder)

    (whole, before), (parts, after) = run("whole"), run("parts", "train.micro_batch=2")
    assert parts == pytest.approx(whole, rel=1e-4, nan_ok=True)
    assert all(torch.allclose(after[name], before[name], atol=1e-3) for name in before)
    still = [run(str(seed), "train.learning_rate=1e-9", "train.epochs=0.1", seed=seed)[1] for seed in (0, 1)]
    assert not torch.allclose(*(start["model.embed_tokens.weight"] for start in still), atol=1e-3)


def test_weights_are_moved_as_the_recipe_says(recipe_file, tmp_path):
    settings = {"schedule": "warmup_stable_decay", "warmup": 0.1, "decay": 0.2, "learning_rate": 0.01, "weight_decay": 0.3,
                "beta2": 0.9, "max_grad_norm": 0.5, "micro_batch": 2, "evaluate_steps": 7, "save_steps": 9}  # fmt: skip
    recipe = load_recipe(recipe_file, [f"train.{key}={value}" for key, value in settings.items()], seed=5)
    tokenizer = train_tokenizer(["a"], 300)
    items = [Encoded(np.arange(4, dtype=np.int32), 1)] * 800
    data = Data(Rows(items, [[row] for row in range(800)]), Rows(items[:1], [[0]]), [])
    trainer = make_trainer(recipe, new_model(recipe, tokenizer), tokenizer, data, tmp_path)
    trainer.create_optimizer_and_scheduler(100)  # 800 rows, 8 a step
    group, rates = trainer.optimizer.param_groups[0], []
    assert (group["weight_decay"], group["betas"][1]) == (0.3, 0.9)
    for _ in range(100):
        rates.append(trainer.lr_scheduler.get_last_lr()[0])
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    assert np.flatnonzero(np.diff(rates) > 0).tolist() == list(range(10))
    assert rates[10:80] == [0.01] * 70
    assert (np.diff(rates[81:]) < 0).all()
    args = trainer.args
    assert (args.seed, args.max_grad_norm, args.eval_steps, args.save_steps) == (5, 0.5, 7, 9)
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (2, 4)


def test_recipes_side_by_side_wait_for_parents_and_for_each_other(monkeypatch, tmp_path):
    started, alive = [], set()

    class Process:
        def __init__(self, command, **options):
            self.name, self.polls = command[3], 0
            started.append(self.name)
            alive.add(self)
            assert len(alive) <= 2

        def poll(self):
            self.polls += 1
            if self.polls < 4:
                return None
            alive.discard(self)
            self.returncode = int(self.name == "bad")
            return self.returncode

    monkeypatch.setattr(family.subprocess, "Popen", Process)
    monkeypatch.setattr(family.time, "sleep", lambda seconds: None)
    with pytest.raises(RepalignError, match=r"^bad failed"):
        family._run_all([["one"], ["bad"], ["two"], ["three"]], 2)
    assert started == ["one", "bad", "two", "three"]

    runs = []
    monkeypatch.setattr(family, "_run_all", lambda commands, jobs: runs.append(commands))
    recipes = [load_recipe(name) for name in ("x-llama-zh", "base", "m-llama")]
    folders = family.train_family(recipes, ["--seed", "1"])
    assert runs == [[["base"]], [["m-llama", "--seed", "1"], ["x-llama-zh", "--seed", "1"]]]
    assert [folder.name for folder in folders] == ["x-llama-zh", "base", "m-llama"]


def test_options_of_the_model_that_do_not_fit(recipe_file, monkeypatch):
    recipe = load_recipe(recipe_file, ["train.precision=bfloat16"])
    tokenizer = train_tokenizer(["a"], 300)
    assert next(new_model(recipe, tokenizer).parameters()).dtype == torch.bfloat16
    with pytest.raises(RepalignError, match="an adapter is trained on a parent"):
        new_model(load_recipe(recipe_file, ["adapter.r=4"]), tokenizer)
    monkeypatch.setenv("WORLD_SIZE", "16")
    with pytest.raises(RepalignError, match="8 does not divide into 16 device"):
        make_trainer(load_recipe(recipe_file), None, tokenizer, Data(Rows([], []), Rows([], []), []), Path())


def test_a_half_written_checkpoint_is_not_gone_on_from(tmp_path):
    for step, state in ((9, "{}"), (12, "{}"), (15, '{"global'), (18, None)):
        folder = tmp_path / "steps" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if state:
            (folder / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path).name == "checkpoint-12"
    assert last_checkpoint(tmp_path / "none") is None


@pytest.mark.parametrize("quantize", [None, "nf4"])
def test_an_adapter_on_a_parent(recipe_file, tmp_path, quantize):
    wide = ["model.hidden_size=64", "model.intermediate_size=64"]
    parent = train(load_recipe(recipe_file, wide), tmp_path / "parent")
    overrides = [f"parent={parent}", "adapter.r=4", "adapter.target_modules=['q_proj','v_proj']"]
    if quantize:
        pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
        overrides.append(f"adapter.quantize={quantize}")
    folder = train(load_recipe(recipe_file, overrides), tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["r"], config["base_model_name_or_path"]) == (4, str(parent))
    adapter = load_file(folder / "adapter_model.safetensors")
    assert any(tensor.abs().max() > 0 for name, tensor in adapter.items() if "lora_B" in name)
    assert (folder / "tokenizer.json").read_bytes() == (parent / "tokenizer.json").read_bytes()
    with pytest.raises(RepalignError, match="is an adapter; merge it"):
        train(load_recipe(recipe_file, [f"parent={folder}"]), tmp_path / "on-top")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["--set", "mixture=tekst_en"], "did you mean 'text'"),
     (["--set", "mixture=text_en[0:99999999]"], "past the end"),
     (["--set", "mixture=text_xx"], "xx"),
     (["--set", "train.max_length=2", "--set", "mixture=translation_en-zh[0:9]"], "fits into 2 tokens"),
     (["--set", "model.hidden=3"], "hidden_size"),
     (["--set", "model.num_attention_heads=5"], "do not fit together"),
     (["--set", "train.micro_batch=5"], "does not divide"),
     (["--set", "parent=nobody"], "no checkpoint named 'nobody'"),
     (["--set", "train.schedule=cosin"], "cosin")],
)  # fmt: skip
def test_mistakes_get_one_line_and_leave_nothing(recipe_file, tmp_path, capsys, options, complaint):
    assert main([recipe_file, "--out", str(tmp_path / "out"), *options]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("training: ")
    assert complaint in error
    assert not (tmp_path / "out").exists()


def test_a_folder_of_someone_else_is_left_alone(recipe_file, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("\\begin")
    assert main([recipe_file, "--out", str(tmp_path / "out")]) == 1
    assert "thesis.tex" in capsys.readouterr().err
    assert main([recipe_file, "--out", "/proc/nowhere"]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_help_is_fast_and_light():
    code = "import sys, runpy, atexit; sys.argv[1:] = ['--help']\n"
    code += "atexit.register(lambda: print('torch' in sys.modules))\n"
    code += "runpy.run_module('repalign_training', run_name='__main__')"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "RECIPE" in shown
    assert shown.strip().endswith("False")


def test_the_data_of_a_recipe_is_shown_with_what_is_learnt(recipe_file, capsys):
    assert main(["data", recipe_file]) == 0
    shown = capsys.readouterr().out
    assert "translation_en-zh[0:120]" in shown
    assert "#Chinese:\n" in shown
    learnt = shown.split("[[")[1].split("]]")[0]
    assert learnt.endswith("</s>")
    assert any("一" <= char <= "鿿" for char in learnt)


@pytest.mark.heavy
def test_killed_at_any_moment_and_resumed_equals_undisturbed(recipe_file, tmp_path):
    options = [recipe_file, "--set", "train.epochs=30"]
    main([*options, "--out", str(tmp_path / "undisturbed")])
    rng = random.Random(0)
    for _ in range(5):
        command = [sys.executable, "-m", "training", *options, "--out", str(tmp_path / "killed")]
        process = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
        while process.poll() is None and not list((tmp_path / "killed").glob("steps/*")):
            time.sleep(0.1)
        time.sleep(rng.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert main([*options, "--out", str(tmp_path / "killed")]) == 0
    undisturbed, killed = weights(tmp_path / "undisturbed"), weights(tmp_path / "killed")
    assert all(torch.allclose(killed[name], undisturbed[name], atol=1e-6) for name in undisturbed)


@pytest.fixture
def processes(tmp_path):
    """Command lines that start two processes on the CPU: each holding all weights, or half of each (FSDP)."""
    settings = (Path(repalign_training.__file__).parent / "recipes" / "fsdp.yaml").read_text()
    settings = settings.replace("bf16", "'no'").replace("num_processes: 8", "num_processes: 2")
    here = tmp_path / "fsdp.yaml"
    here.write_text(settings + "use_cpu: true\n")
    port = ["--main_process_port", str(free_port())]
    sharded = ["-m", "accelerate.commands.launch", "--config_file", str(here), *port]
    return {
        "whole": ["-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", "-m", "training"],
        "sharded": [*sharded, str(Path(__file__).parents[1] / "fsdp_on_cpu.py")],
    }


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def environment():
    """With `python -m training` from any folder."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def run_together(command, *arguments):
    return subprocess.run(
        [sys.executable, *command, *arguments], env=environment(), capture_output=True, text=True, timeout=300
    )


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["whole", "sharded"])
def test_two_processes_equal_one(kind, processes, recipe_file, tmp_path):
    options = [recipe_file, "--set", "train.held_out=40", "--out"]
    done = run_together(processes[kind], *options, str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr[-3000:]
    assert main([*options, str(tmp_path / "one")]) == 0
    one, two = Card.read(tmp_path / "one"), Card.read(tmp_path / "two")
    assert two.steps == one.steps
    assert two.losses == pytest.approx(one.losses, abs=1e-3)
    alone, together = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(together[name], alone[name], atol=1e-3) for name in alone)


@pytest.mark.heavy
def test_two_processes_that_share_the_weights_go_on_after_a_kill(processes, recipe_file, tmp_path):
    options = [recipe_file, "--set", "train.save_steps=4", "--set", "train.epochs=3", "--out"]
    run_together(processes["sharded"], *options, str(tmp_path / "undisturbed"))
    killed = subprocess.Popen(
        [sys.executable, *processes["sharded"], *options, str(tmp_path / "killed")],
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    while killed.poll() is None and not list((tmp_path / "killed").glob("steps/*/trainer_state.json")):
        time.sleep(0.02)
    launcher = psutil.Process(killed.pid)
    for process in [*launcher.children(recursive=True), launcher]:
        process.kill()
    killed.wait()
    resumed = run_together(processes["sharded"], *options, str(tmp_path / "killed"))
    assert "resuming from checkpoint-" in resumed.stderr, resumed.stderr[-3000:]
    undisturbed, killed = weights(tmp_path / "undisturbed"), weights(tmp_path / "killed")
    assert all(torch.allclose(killed[name], undisturbed[name], atol=1e-6) for name in undisturbed)


@pytest.mark.heavy
def test_alignment_is_not_measured_on_weights_spread_over_processes(processes, recipe_file, tmp_path):
    options = ["--set", "train.align_steps=5", "--out", str(tmp_path / "x")]
    done = run_together(processes["sharded"], recipe_file, *options)
    assert done.returncode != 0
    assert "alignment cannot be measured while weights are sharded" in done.stderr


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

    (tmp_path / "alignment.jsonl").write_text('{"step": 1}\n')
    assert main(["alignment", str(tmp_path)]) == 1
    assert main(["alignment", str(tmp_path / "none")]) == 1
    assert "is not a log of alignment" in (said := capsys.readouterr().err)
    assert "train.align_steps" in said
