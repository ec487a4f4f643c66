"""Targets: what is kept between runs, and what others reply: answers, verdicts, manifests, steps of training, a judge, the cache."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from unittest.mock import patch

from repalign_training.folder import claimed
from repalign_training.recipe import load_recipe
from repalign_training.steps import STEPS, last_checkpoint, seal

from fuzz.damage import ODD, damage_folder, damage_json, mutate_file, mutated
from fuzz.results import SAMPLES
from fuzz.target import target
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.evaluation.chat_requests import Address, Failed, Response
from repalign.evaluation.chat_responses import reply_in
from repalign.evaluation.judges import verdict
from repalign.evaluation.line_store import LineStore
from repalign.evaluation.verdicts import Verdict
from repalign.metrics.custom import metrics_named
from repalign.models.generation import Answer
from repalign.results.results import Results


@target("answers and verdicts")
def _lines(folder: Path, rng: random.Random) -> None:
    """Whatever a line holds, what is read has the right types, and what is added after it is kept."""
    path, kind, value = folder / "x.jsonl", *rng.choice([
        (Answer, Answer("hello", 1, True, 0, (-0.5, -1.0))), (Verdict, Verdict(1)),
    ])  # fmt: skip
    LineStore(path, kind).add({f"key {number}": value for number in range(4)})
    mutate_file(path, rng)
    if rng.random() < 0.3:
        row = {"prompt": rng.choice(ODD), **{name: rng.choice(ODD) for name in kind.__annotations__}}
        path.write_text(path.read_text(errors="replace") + json.dumps(row) + "\n")
    store = LineStore(path, kind)
    for key in ("key 0", "x", ""):
        assert isinstance(store.get(key), (kind, type(None)))
    store.add({"new": value})
    assert LineStore(path, kind).get("new") == value


@target("reply of a judge")
def _reply(folder: Path, rng: random.Random) -> None:
    import httpx

    path = folder / "reply.json"
    path.write_text(
        json.dumps({"id": "x", "choices": [{"index": 0, "message": {"role": "a", "content": "A"}}]})
    )
    damage_json(path, rng)
    status = rng.choice([200, 200, 200, 302, 400, 401, 429, 500, 999])
    headers = httpx.Headers(
        [(b"Location", mutated(b"http://x/y?z", rng)), (b"Retry-After", mutated(b"120", rng))]
    )
    try:
        assert verdict(reply_in(Response(status, headers, path.read_bytes()), ADDRESS)) in (1, 0, -1, None)
    except Failed as failed:
        raise RepalignError(failed.reason) from failed


ADDRESS = Address.of("http://127.0.0.1:9/v1")


@target("manifest of results")
def _manifest(folder: Path, rng: random.Random) -> None:
    """A damaged manifest has no file removed that is not repalign's."""
    SAMPLES["profile"](folder)
    results = Results.load(folder)
    (folder / "thesis.tex").write_text("mine")
    damage_json(folder / "profile.manifest.json", rng)
    try:
        results.save(folder)
    finally:
        assert (folder / "thesis.tex").read_text() == "mine"
    Results.load(folder)


@target("steps of an unfinished run")
def _steps(folder: Path, rng: random.Random) -> None:
    (folder / "r.toml").write_text('languages = ["en"]\nmixture = "tasks_en"\n')
    recipe = load_recipe(str(folder / "r.toml"))
    run, described = folder / "run", {"digest": recipe.digest, "recipe": recipe.as_dict()}
    for step in (10, 20):
        checkpoint = run / STEPS / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "model.safetensors").write_bytes(bytes(100))
        (checkpoint / "trainer_state.json").write_text('{"global_step": 10}')
        seal(checkpoint, described, 1.0)
    (run / "run.json").write_text(json.dumps(described))
    damage_folder(run, rng)
    with claimed(run, recipe):
        last_checkpoint(run)


@target("cache")
def _cache(folder: Path, rng: random.Random) -> None:
    """Foreign and damaged entries of every kind are listed, and outlive all commands but one that is ours."""
    home = folder / "home"
    key = "0" * 32
    for name, data in {
        f"states/{key}/key.json": b'{"format": 2, "key": {}, "shape": {"layers": [0], "blocks": 1, "rows": 1, "dim": 1}}',
        f"states/{key}/00000-00000000.npy": b"x", f"answers/{key}.jsonl": b'{"prompt": "x"}\n',
        f"verdicts/{key}.jsonl": b'{"prompt": "x", "verdict": 1}\n', f"digests/{key * 2}": key.encode() * 2,
        f"gguf/{key}/config.json": b"{}", f"gguf/{key}/quantization.txt": b"F32", "states/mine.txt": b"mine",
    }.items():  # fmt: skip
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(data)
    damage_folder(home, rng)
    mine = home / "states" / "mine.txt"
    before = mine.read_bytes() if mine.is_file() else None
    with patch.dict(os.environ, REPALIGN_HOME=str(home)):
        codes = {
            main(["cache", *words])
            for words in (["list"], ["list", "--json"], ["verify"], ["prune", "--all"])
        }
    assert codes <= {0, 1}
    if before is not None:
        assert mine.read_bytes() == before


METRIC = b'''"""A metric."""
from repalign.metrics import LayerPair, metric

@metric("fuzzed", label="Fuzzed")
def fuzzed(pair: LayerPair) -> float:
    """Mean of the cosines of translations."""
    return float(pair.cosines.diagonal().mean())
'''


@target("metric file")
def _metric(folder: Path, rng: random.Random) -> None:
    path = folder / "m.py"
    path.write_bytes(mutated(METRIC, rng))
    metrics_named(f"{path}:fuzzed")
