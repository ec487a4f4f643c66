"""`layers`: options that reach extraction and scoring, what is computed again, and results of several checkpoints."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from factories import sample_states
from parallel_text import made_text, without

from repalign import scoring
from repalign.analysis import Analysis
from repalign.checkpoints import Checkpoint
from repalign.commands.analysis import request
from repalign.commands.main import build_parser, main
from repalign.corpora import ParallelCorpus
from repalign.metrics import METRICS
from repalign.results.results import Results
from repalign.results.schema import RESULTS
from repalign.scoring.spec import ScoringSpec
from repalign.scoring.stored_scores import StoredScores
from repalign.states.spec import Machine, ReadingSpec
from repalign.states.storage import own_storage


def test_the_same_command_again_only_draws_again(llama, text, tmp_path, monkeypatch):
    out = tmp_path / "out"
    argv = ["layers", "--ckpt", str(llama), "--corpus", str(text), "--out", str(out), "--draws", "20"]
    assert main(argv) == 0
    first = pd.read_parquet(out / "profile.parquet")
    (out / "report.html").unlink()
    again = "import sys; from repalign.commands.main import main; main(sys.argv[1:]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", again, *argv], check=True)
    (out / "report.html").unlink()
    scored = []
    monkeypatch.setattr(
        "repalign.analysis.Analysis.run", lambda *a: scored.append(a) or pytest.fail("scored again")
    )
    assert main(argv) == 0
    assert (out / "report.html").exists()
    pd.testing.assert_frame_equal(first, pd.read_parquet(out / "profile.parquet"))
    for change in (["--seed", "1"], ["--langs", "en,zh"], ["--pooling", "last"]):
        with pytest.raises(pytest.fail.Exception):
            main([*argv, *change])


METRIC = """
import repalign

@repalign.metric(label="mine", bounds=(0, 1), reference="here")
def mine(pair):
    return {value}
"""


def test_all_that_decides_results_is_in_their_key(llama, save_model, text, tmp_path):
    other = str(save_model(tmp_path / "other", seed=1))
    both, corpus = [str(llama), other], ["--corpus", str(text)]

    def key(*argv):
        args = build_parser(argv[0]).parse_args(argv)
        return request(args, compare=argv[0] == "compare").key

    own = tmp_path / "own.py"
    own.write_text(METRIC.format(value=0.5))
    asked = [*corpus, "--metrics", f"{own}:mine"]
    first = key("layers", "--ckpt", *both, *asked)
    assert first == key("layers", "--ckpt", *both, *asked, "--out", "elsewhere", "--no-report")
    assert first != key("layers", "--ckpt", *both, *asked, "--template", "alpaca")
    assert first != key("layers", "--ckpt", *both[::-1], *asked)
    assert first != key("layers", "--ckpt", *both, *asked, "--langs", "en,zh")
    assert first != key("compare", *both, *asked), "a comparison has rows that a series has not"
    own.write_text(METRIC.format(value=0.25))
    assert first != key("layers", "--ckpt", *both, *asked)


def test_every_option_of_reading_reaches_extraction(llama, text, tmp_path, monkeypatch):
    seen = {}

    def read(checkpoint, corpus, specs, machine, **options):
        seen.update(
            options, spec=specs[0], machine=machine, sentences=len(corpus), languages=corpus.languages
        )
        raise KeyboardInterrupt

    monkeypatch.setattr("repalign.states.extraction.read_states", read)
    asked = {
        "site": "attn", "side": "decoder", "pooling": "last", "template": "brief", "dtype": "float16",
        "device": "cpu", "batch-tokens": 99, "max-length": 77, "sentences": 19, "layers": "0-1,3", "langs": "zh,en",
    }  # fmt: skip
    argv = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    out = ["--out", str(tmp_path / "out"), "--no-store", "--stream"]
    assert main(["layers", "--ckpt", str(llama), "--corpus", str(text), *out, *argv]) == 130
    assert seen == {
        "spec": ReadingSpec("last", "brief", "attn", (0, 1, 3), "decoder", 77),
        "machine": Machine("float16", "cpu", 99),
        "sentences": 19,
        "languages": ("zh", "en"),
        "store": False,
        "stream": True,
    }


def test_every_option_of_scoring_reaches_its_table(monkeypatch):
    seen = {}

    def record(name):
        empty = RESULTS[name].frame([]) if name in RESULTS else pd.DataFrame()
        return lambda *given, **options: seen.update({name: options}) or empty

    for name in ("geometry", "separation", "confusions", "drift", "layer_cka", "controls", "contrast"):
        monkeypatch.setattr(scoring, name, record(name))
    monkeypatch.setattr(
        scoring, "profile", lambda states, **options: seen.update(profile=options) or Joined()
    )
    monkeypatch.setattr("repalign.maps.projection.project", record("map"))
    monkeypatch.setattr(Analysis, "_states", sample_of)
    monkeypatch.setattr(Analysis, "key", None)  # there are no weights to know them by
    analysis = Analysis(
        checkpoints=(Checkpoint("base", "here"), Checkpoint("m-llama", "here")),
        corpus=ParallelCorpus({"en": ["a"] * 8, "zh": ["b"] * 8}),
        scoring=ScoringSpec(
            "zh", metrics="mexa", controls=("random", "unshared"), probe=True, draws=7, seed=5, reducer="tsne"
        ),
        compare=True,
    )
    analysis.run()
    chance = {"draws": 7, "seed": 5, "progress": True}
    scored = {"pivot": "zh", "metrics": (METRICS["mexa"],), **chance}
    found = {"variants": ("raw", "centred"), "pairs": "pivot", "stored": StoredScores(own_storage())}
    assert seen["profile"] == seen["contrast"] == {**scored, **found}
    assert seen["separation"] == {"pivot": "zh", "probe": True, **chance}
    assert seen["map"] == {"pivot": "zh", "reducer": "tsne", "seed": 5, "progress": True}
    assert seen["drift"] == chance
    twin, unshared = seen["controls"].pop("twin"), seen["controls"].pop("unshared")
    assert (twin.checkpoint, unshared.checkpoint) == ("m-llama~random", "m-llama, unshared")
    assert seen["controls"] == {**scored, "variants": ("centred",)}


class Joined:
    """Scores that can be joined."""

    def joined(self, other):
        return self


def sample_of(analysis, checkpoint, spec, of=None):
    """States under the name of what was read."""
    name = checkpoint.name + ", unshared" * spec.exclude_shared_tokens
    sample = sample_states("m-llama", languages=("en", "zh"), layers=2, sentences=8)
    return replace(sample, signature=sample.signature.with_(checkpoint=name))


def test_a_series_and_a_random_twin_stand_in_one_table(llama, text, tmp_path):
    out = tmp_path / "out"
    argv = [
        "layers",
        "--ckpt",
        str(llama),
        f"{llama}~random",
        "--corpus",
        str(text),
        "--out",
        str(out),
        "--draws",
        "50",
    ]
    assert (
        main(
            [
                *argv,
                "--no-report",
                "--metrics",
                "mexa",
                "--langs",
                "en,zh",
                "--layers",
                "0-1,3",
                "--control",
                "random,unshared",
            ]
        )
        == 0
    )
    table = pd.read_parquet(out / "profile.parquet")
    assert set(table["checkpoint"]) == {llama.name, f"{llama.name}~random"}
    assert set(table["metric"]) == {"mexa"}
    assert set(table["target"]) == {"zh"}
    assert set(table["layer"]) == {0, 1, 3}
    controls = pd.read_parquet(out / "controls.parquet")
    assert {"bag-of-tokens", "random-weights", "unshared-tokens"} <= set(controls["control"])


def test_what_streaming_cannot_write_is_refused(llama, text, tmp_path, capsys):
    argv = ["layers", "--ckpt", str(llama), "--corpus", str(text), "--stream", "--control", "random"]
    assert main([*argv, "--out", str(tmp_path / "out")]) == 1
    assert "streamed results hold the scores only" in capsys.readouterr().err


def test_layers_of_misaligned_text_warn_in_one_line_also_when_only_drawn(llama, tmp_path, capsys):
    folder = tmp_path / "text"
    folder.mkdir()
    text = made_text(60, "en zh")
    text["zh"] = without(text["zh"], 10)
    for language, rows in text.items():
        (folder / f"{language}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    argv = [
        "layers",
        "--ckpt",
        str(llama),
        "--corpus",
        str(folder),
        "--out",
        str(tmp_path / "out"),
        "--draws",
        "20",
    ]
    for _ in range(2):
        assert main([*argv, "--no-report"]) == 0
        (line,) = [line for line in capsys.readouterr().err.splitlines() if "misaligned: zh: rows" in line]
        assert line.startswith("repalign: corpus 'text': ")
    assert not Results.load(tmp_path / "out").about["manifest"]["ok"]
