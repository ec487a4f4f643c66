"""The command line, end to end: both spellings, the files it writes, one line for every mistake."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pandas as pd
import pytest
from sample import sample_states

from repalign import scoring
from repalign.checkpoints import Checkpoint
from repalign.commands.analysis import fingerprint
from repalign.commands.main import COMMANDS, build_parser, main
from repalign.commands.scoring import tables_beside
from repalign.results.profile import COLUMNS

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture
def text(tmp_path):
    """A folder of forty parallel sentences."""
    folder = tmp_path / "text"
    folder.mkdir()
    words = {"en": ("dog", "sees", "birds"), "el": ("σκύλος", "βλέπει", "πουλιά"), "zh": ("狗", "看见", "鸟")}
    for lang, (a, b, c) in words.items():
        rows = [f"{a} {b} {c * n}" for n in range(1, 21)] + [f"{c} {b} {a * n}" for n in range(1, 21)]
        (folder / f"{lang}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def python(*argv, **environment):
    return subprocess.run(
        [sys.executable, *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_help_is_fast_and_needs_no_torch():
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        shown = python("-m", "repalign", "--help")
        seconds.append(time.perf_counter() - start)
    assert shown.returncode == 0
    assert all(command in shown.stdout for command in COMMANDS)
    assert min(seconds) < 0.6


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["layers", "--help"],
        *(["list", k] for k in ("checkpoints", "corpora", "metrics", "tasks")),
    ],
)
def test_help_and_list_import_no_torch(argv):
    code = (
        "import sys\nfrom repalign.commands.main import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        "assert not {'torch', 'transformers', 'plotly', 'pandas'} & set(sys.modules)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_both_spellings_give_the_same_results(llama, text, tmp_path, home):
    options = ["--ckpt", str(llama), "--corpus", str(text), "--draws", "50"]
    short = python("-m", "repalign.layers", *options, "--out", str(tmp_path / "a"), REPALIGN_HOME=str(home))
    long = python("-m", "repalign", "layers", *options, "--out", str(tmp_path / "b"), REPALIGN_HOME=str(home))
    for done, out in ((short, tmp_path / "a"), (long, tmp_path / "b")):
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [str(out / n) for n in sorted(os.listdir(out), key=done.stdout.index)]
        assert {"report.html", "profile.parquet", "profile.json"} <= set(os.listdir(out))
        assert "mexa" in done.stderr
    a, b = (pd.read_parquet(tmp_path / out / "profile.parquet") for out in "ab")
    pd.testing.assert_frame_equal(a, b)
    assert list(a.columns) == list(COLUMNS)
    assert set(a["metric"]) >= {"p_at_1", "mexa", "cosine_gap", "cka"}
    assert set(a["variant"]) == {"raw", "centred"}
    assert set(a["layer"]) == {0, 1, 2, 3}
    assert ((a["low"] <= a["value"] + 1e-9) & (a["value"] <= a["high"] + 1e-9)).all()
    about = json.loads((tmp_path / "a" / "profile.json").read_text())
    assert "layers" in about["about"]["command"]
    assert str(llama.name) in next(iter(about["signatures"].values()))


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
        "repalign.commands.analysis.score", lambda *a: scored.append(a) or pytest.fail("scored again")
    )
    assert main(argv) == 0
    assert (out / "report.html").exists()
    pd.testing.assert_frame_equal(first, pd.read_parquet(out / "profile.parquet"))
    for change in (["--seed", "1"], ["--langs", "en,zh"], ["--pooling", "last"]):
        with pytest.raises(pytest.fail.Exception):
            main([*argv, *change])


def test_all_that_decides_results_is_in_their_key(corpus, tmp_path):
    def key(*argv):
        args = build_parser(argv[0]).parse_args(argv)
        args.argv = list(argv)
        return fingerprint(args, [], corpus)

    own = tmp_path / "own.py"
    own.write_text("one")
    asked = ["--metrics", f"{own}:mine"]
    first = key("layers", "--ckpt", "a", "b", *asked)
    assert first == key("layers", "--ckpt", "a", "b", *asked, "--out", "elsewhere", "--no-report")
    assert first != key("layers", "--ckpt", "a", "b", *asked, "--template", "alpaca")
    assert first != key("compare", "a", "b", *asked), "a comparison has rows that a series has not"
    own.write_text("two")
    assert first != key("layers", "--ckpt", "a", "b", *asked)


def test_every_option_of_reading_reaches_extraction(llama, text, tmp_path, monkeypatch):
    seen = {}

    def extract(checkpoint, corpus, **options):
        seen.update(options, sentences=len(corpus), languages=corpus.languages)
        raise KeyboardInterrupt

    monkeypatch.setattr("repalign.states.extraction.extract", extract)
    asked = {
        "site": "attn", "side": "decoder", "pooling": "last", "template": "brief", "dtype": "float16",
        "device": "cpu", "batch-tokens": 99, "max-length": 77, "sentences": 9, "layers": "0-1,3", "langs": "zh,en",
    }  # fmt: skip
    argv = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    out = ["--out", str(tmp_path / "out"), "--no-store", "--stream"]
    assert main(["layers", "--ckpt", str(llama), "--corpus", str(text), *out, *argv]) == 130
    del asked["langs"]
    expected = {name.replace("-", "_"): value for name, value in asked.items()}
    assert seen == {
        **expected,
        "layers": [0, 1, 3],
        "languages": ("zh", "en"),
        "store": False,
        "stream": True,
    }


def test_every_option_of_scoring_reaches_its_table(monkeypatch):
    seen = {}

    def record(name):
        return lambda *given, **options: seen.update({name: options}) or pd.DataFrame()

    for name in ("geometry", "separation", "confusions", "drift", "layer_cka", "controls"):
        monkeypatch.setattr(scoring, name, record(name))
    monkeypatch.setattr("repalign.maps.projection.project", record("map"))
    read = lambda args, states, checkpoint, **changes: (checkpoint.twin, changes)  # noqa: E731
    monkeypatch.setattr("repalign.commands.scoring.extract_again", read)
    asked = ["--pivot", "zh", "--seed", "5", "--draws", "7", "--reducer", "tsne", "--probe"]
    args = build_parser("compare").parse_args(
        ["compare", "a", "b", *asked, "--variants", "raw,centred", "--control", "random,unshared"]
    )
    states = [
        sample_states(name, languages=("en", "zh"), layers=2, sentences=8) for name in ("base", "m-llama")
    ]
    checkpoints = [Checkpoint(name, "here") for name in ("base", "m-llama")]
    tables_beside(args, checkpoints, states, None, {"draws": 7}, compare=True)
    chance = {"draws": 7, "seed": 5}
    assert seen["separation"] == {"source": "zh", "probe": True, **chance}
    assert seen["map"] == {"source": "zh", "reducer": "tsne", "seed": 5}
    assert seen["drift"] == chance
    assert seen["controls"] == {
        "twin": (0, {}), "unshared": (None, {"unshared": True}), "variants": ["centred"], "draws": 7
    }  # fmt: skip


def test_compare_holds_both_checkpoints_and_their_difference(llama, save_model, text, tmp_path):
    other = save_model(tmp_path / "other", seed=1)
    out = tmp_path / "out"
    assert (
        main(["compare", str(llama), str(other), "--corpus", str(text), "--out", str(out), "--draws", "50"])
        == 0
    )
    table = pd.read_parquet(out / "profile.parquet")
    own = table[table["baseline"].isna()].set_index(
        ["checkpoint", "metric", "variant", "source", "target", "layer"]
    )["value"]
    difference = table[table["baseline"].notna()]
    assert set(difference["checkpoint"]) == {"other"}
    assert set(difference["baseline"]) == {llama.name}
    for row in difference.itertuples():
        key = (row.metric, row.variant, row.source, row.target, row.layer)
        assert row.value == pytest.approx(own[("other", *key)] - own[(llama.name, *key)], abs=1e-9)
    assert (out / "report.html").stat().st_size > 4e6


def test_a_checkpoint_against_itself_differs_nowhere(llama, text, tmp_path):
    import shutil

    twin = shutil.copytree(llama, tmp_path / "twin")
    out = tmp_path / "out"
    assert (
        main(
            [
                "compare",
                str(llama),
                str(twin),
                "--corpus",
                str(text),
                "--out",
                str(out),
                "--no-report",
                "--draws",
                "50",
            ]
        )
        == 0
    )
    table = pd.read_parquet(out / "profile.parquet")
    assert (table[table["baseline"].notna()]["value"].abs() < 1e-12).all()


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


def test_extract_fills_the_store_for_layers(llama, text, tmp_path, capsys, monkeypatch):
    argv = ["--ckpt", str(llama), "--corpus", str(text)]
    assert main(["extract", *argv, "--poolings", "mean,last"]) == 0
    monkeypatch.setattr(
        "repalign.models.engine.LocalEngine.open", lambda *a, **k: pytest.fail("all states were there")
    )
    for pooling in ("mean", "last"):
        assert (
            main(
                [
                    "layers",
                    *argv,
                    "--pooling",
                    pooling,
                    "--out",
                    str(tmp_path / pooling),
                    "--draws",
                    "20",
                    "--no-report",
                ]
            )
            == 0
        )


def test_extract_without_a_store_is_refused(llama, text, capsys):
    for option in ("--stream", "--no-store"):
        assert main(["extract", "--ckpt", str(llama), "--corpus", str(text), option]) == 1
        assert "fills the store" in capsys.readouterr().err


def test_data_check_shows_the_manifest(text, capsys):
    assert main(["data", "check", str(text)]) == 0
    assert "greek" in capsys.readouterr().out
    assert main(["data", "check", str(text), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sentences"] == 40


def test_data_check_compares_with_the_pivot_asked_for(text, capsys):
    assert main(["data", "check", str(text), "--pivot", "el", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pivot"] == "el"
    assert main(["data", "check", str(text), "--pivot", "xx"]) == 1
    assert "no language named 'xx'" in capsys.readouterr().err


def test_data_check_counts_the_tokens_of_a_checkpoint(text, llama, capsys):
    assert main(["data", "check", str(text), "--ckpt", str(llama), "--json"]) == 0
    tokens = json.loads(capsys.readouterr().out)["tokens"]
    assert tokens["el"]["per_character"] > tokens["en"]["per_character"] / 2
    assert tokens["el"]["truncated"] == 0
    assert main(["data", "check", str(text), "--ckpt", str(llama)]) == 0
    assert f"{tokens['el']['per_sentence']:.1f}" in capsys.readouterr().out


def test_doctor_says_what_is_here(capsys):
    assert main(["doctor"]) == 0
    assert "torch" in capsys.readouterr().out


def test_what_streaming_cannot_write_is_refused(llama, text, tmp_path, capsys):
    argv = ["layers", "--ckpt", str(llama), "--corpus", str(text), "--stream", "--control", "random"]
    assert main([*argv, "--out", str(tmp_path / "out")]) == 1
    assert "--stream writes the scores only" in capsys.readouterr().err


def test_usage_errors_exit_with_two():
    for argv in (
        [],
        ["layers"],
        ["layers", "--ckpt", "x", "--layers", "a-b"],
        ["layers", "--ckpt", "x", "--layers", "4-2"],
        ["layers", "--ckpt", "x", "--variants", ","],
        ["layers", "--ckpt", "x", "--seed", "-1"],
        ["nonsense"],
        ["layers", "--ckpt", "x", "--draws", "0"],
    ):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"--ckpt": "m-lama"}, "no checkpoint named 'm-lama'; did you mean 'm-llama'?"),
        ({"--corpus": "evryday"}, "did you mean 'everyday'"),
        ({"--langs": "en,xh"}, "no language named 'xh'; did you mean 'zh'?"),
        ({"--metrics": "mexxa"}, "no metric named 'mexxa'; did you mean 'mexa'?"),
        ({"--variants": "center"}, "did you mean 'centred'"),
        ({"--pooling": "mena"}, "did you mean 'mean'"),
        ({"--template": "alpca"}, "did you mean 'alpaca'"),
        ({"--reducer": "umapp"}, "did you mean 'umap'"),
        ({"--control": "radom"}, "did you mean 'random'"),
        ({"--pivot": "de"}, "no language named 'de'"),
        ({"--sentences": "2"}, "at least"),
        ({"--langs": "en"}, "give two or more in --langs"),
        ({"--ckpt": "/nowhere"}, "no folder /nowhere"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(llama, text, tmp_path, capsys, change, expected):
    out = tmp_path / "out"
    options = {"--ckpt": str(llama), "--corpus": str(text), "--out": str(out), "--draws": "20", **change}
    assert main(["layers", *(word for pair in options.items() for word in pair)]) == 1
    captured = capsys.readouterr()
    complaint = [line for line in captured.err.splitlines() if expected in line]
    assert len(complaint) == 1, captured.err
    assert captured.err.splitlines()[-1] == complaint[0]
    assert captured.out == ""
    assert not out.exists() or list(out.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_told_before_the_work(
    llama, text, tmp_path, capsys, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setattr(
        "repalign.models.engine.LocalEngine.open", lambda *a, **k: pytest.fail("told too late")
    )
    assert (
        main(["layers", "--ckpt", str(llama), "--corpus", str(text), "--out", str(tmp_path / "file" / "out")])
        == 1
    )
    assert "choose another --out" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_results(llama, text, tmp_path, capsys, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("repalign.files.partial_file", full)
    out = tmp_path / "out"
    given = ["--ckpt", str(llama), "--corpus", str(text), "--out", str(out), "--draws", "20", "--no-store"]
    assert main(["layers", *given]) == 1
    assert "No space left" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_a_demo_checkpoint_is_not_trained_when_that_is_refused(capsys):
    assert main(["layers", "--ckpt", "m-llama", "--no-train"]) == 1
    assert "python -m training m-llama" in capsys.readouterr().err


def test_ctrl_c_is_answered_in_one_line(llama, text, tmp_path, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("repalign.states.extraction.extract", interrupt)
    assert (
        main(["layers", "--ckpt", str(llama), "--corpus", str(text), "--out", str(tmp_path / "out")]) == 130
    )
    assert capsys.readouterr().err.splitlines()[-1].startswith("repalign: interrupted")
