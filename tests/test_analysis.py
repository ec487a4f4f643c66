"""analyse(): what the command line runs, from Python."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest
import torch
import transformers

from repalign import Checkpoint, ParallelCorpus, RepalignError, Results, analyse, metric
from repalign.analysis import Analysis
from repalign.commands.main import main
from repalign.scoring.spec import ScoringSpec

CORPUS = {
    "en": [
        f"{a} {b}" for a in ("dog", "cat", "bird", "fish", "cow") for b in ("sleeps", "eats", "sings", "runs")
    ]
}
CORPUS |= {
    "el": [f"{a} {b}" for a in ("σκύλος", "γάτα", "πουλί", "ψάρι", "αγελάδα") for b in ("κοιμάται", "τρώει", "τραγουδά", "τρέχει")],
    "zh": [f"{a}{b}" for a in ("狗", "猫", "鸟", "鱼", "牛") for b in ("睡觉", "吃饭", "唱歌", "跑步")],
}  # fmt: skip
QUICK = {"metrics": ["mexa", "cosine_gap"], "draws": 20, "progress": False}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, save_model):
    return save_model(tmp_path_factory.mktemp("models") / "tuned", seed=1)


def test_it_gives_what_the_command_line_saves(llama, tuned, tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    for language, sentences in CORPUS.items():
        (folder / f"{language}.txt").write_text("\n".join(sentences) + "\n", encoding="utf-8")
    results = analyse([str(llama), str(tuned)], str(folder), compare=True, controls="random", **QUICK)
    options = ["--metrics", "mexa,cosine_gap", "--draws", "20", "--control", "random", "--no-report"]
    assert (
        main(
            [
                "compare",
                str(llama),
                str(tuned),
                "--corpus",
                str(folder),
                *options,
                "--out",
                str(tmp_path / "out"),
            ]
        )
        == 0
    )
    saved = Results.load(tmp_path / "out")
    pd.testing.assert_frame_equal(results.profile.table, saved.profile.table)
    assert results.tables.keys() == saved.tables.keys()
    for name, table in results.tables.items():
        pd.testing.assert_frame_equal(table, saved.tables[name], check_dtype=False, check_categorical=False)
    assert results.title == saved.title == f"{llama.name} against tuned on text"
    assert results.about["key"] == saved.about["key"]


def test_one_several_and_in_memory(llama, tuned):
    one = analyse(str(llama), CORPUS, **QUICK)
    assert one.profile.table["checkpoint"].unique().tolist() == [llama.name]
    several = analyse(
        [llama, Checkpoint.named(str(tuned))], CORPUS, languages=["en", "zh"], limit=12, **QUICK
    )
    assert several.profile.table["checkpoint"].unique().tolist() == [llama.name, "tuned"]
    assert set(several.profile.table["target"]) == {"zh"}
    assert several.title == f"{llama.name} to tuned on sentences"
    model = transformers.AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32)
    pair = (model, transformers.AutoTokenizer.from_pretrained(llama))
    in_memory = analyse(pair, CORPUS, **QUICK)
    pd.testing.assert_series_equal(
        in_memory.profile.table["value"], one.profile.table["value"], rtol=1e-4, atol=1e-5
    )
    assert "key" not in in_memory.about, "what a model in memory gave is not reused"
    both = analyse([pair, str(tuned)], CORPUS, compare=True, **QUICK)
    assert both.profile.table["baseline"].dropna().unique().tolist() == [llama.name]


def test_a_series_also_has_its_last_checkpoint_over_its_first(llama, tuned, save_model, tmp_path, caplog):
    middle = save_model(tmp_path / "middle", seed=2)
    shallow = save_model(tmp_path / "shallow", num_hidden_layers=2)
    paired = analyse([str(llama), str(tuned)], CORPUS, compare=True, **QUICK).profile
    series = analyse([str(llama), str(middle), str(tuned)], CORPUS, **QUICK).profile
    expected = paired.table[paired.table["baseline"].notna()].reset_index(drop=True)
    table = series.table[series.table["baseline"].notna()].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, expected)
    with caplog.at_level("INFO"):
        uneven = analyse([str(llama), str(tuned), str(shallow)], CORPUS, **QUICK).profile
    assert uneven.table["baseline"].isna().all()
    assert f"no paired difference of {llama.name} and shallow" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": "mexxa"}, "did you mean 'mexa'"),
        ({"metrics": []}, "no metric to compute"),
        ({"metrics": [3]}, "a metric is a name or a function"),
        ({"variants": "centered"}, "did you mean 'centred'"),
        ({"controls": ["randon"]}, "no control named 'randon'; did you mean 'random'"),
        ({"pairs": "al"}, "did you mean 'all'"),
        ({"draws": 0}, "draws is a whole number from 1 to 4294967295, not 0"),
        ({"seed": -1}, "seed is a whole number from 0 to 4294967295, not -1"),
        ({"reducer": "umapp"}, "did you mean 'umap'"),
        ({"pivot": "de"}, "no language named 'de'"),
        ({"languages": "en"}, "one language .* cannot be aligned with itself"),
        ({"languages": ["en", "de"]}, "no language named 'de'"),
        ({"limit": 0}, "a limit of sentences is a whole number from 1, not 0"),
        ({"compare": True}, "two checkpoints are needed, got 1"),
        ({"stream": True, "probe": True}, "streamed results hold the scores only"),
        ({"controls": "unshared", "pooling": "weighted"}, "reads every token"),
        ({"site": "attnn"}, "did you mean 'attn'"),
        ({"metric": "mexa"}, r"analyse\(\) has no argument named 'metric'; did you mean 'metrics'"),
    ],
)
def test_a_wrong_argument_is_named_before_a_model_is_loaded(llama, monkeypatch, changes, message):
    monkeypatch.setattr("repalign.models.engine.load_model", lambda *a: pytest.fail("a model was loaded"))
    with pytest.raises(RepalignError, match=message) as caught:
        analyse(str(llama), CORPUS, **{**QUICK, **changes})
    assert "\n" not in str(caught.value)


def test_two_checkpoints_of_one_name_and_none_at_all_are_refused(llama):
    with pytest.raises(RepalignError, match="two checkpoints have the same name"):
        analyse([str(llama), str(llama)], CORPUS, **QUICK)
    with pytest.raises(RepalignError, match="at least one checkpoint is needed, got 0"):
        analyse([], CORPUS, **QUICK)


def test_a_metric_file_is_run_once(llama, tmp_path):
    file, log = tmp_path / "custom.py", tmp_path / "ran.txt"
    file.write_text(
        f"import repalign\nopen({str(log)!r}, 'a').write('ran ')\n"
        "@repalign.metric(label='half', bounds=(0, 1), reference='here')\n"
        "def half(pair):\n    return 0.5\n"
    )
    results = analyse(
        str(llama),
        CORPUS,
        metrics=[f"{file}:half"],
        controls=["random", "unshared"],
        draws=20,
        progress=False,
    )
    assert log.read_text() == "ran "
    assert set(results.profile.table["metric"]) == {"half"}


def test_a_changed_metric_is_another_request(llama):
    def request(value):
        @metric(label="constant", bounds=(0, 1), reference="here")
        def constant(pair):
            return value

        scoring = ScoringSpec(metrics=constant)
        return Analysis((Checkpoint.named(str(llama)),), ParallelCorpus(CORPUS), scoring=scoring).key

    assert request(0.5) == request(0.5) != request(0.25)
    assert request(object()) is None, "what cannot be identified is not reused"


def test_a_request_and_its_key_need_no_torch(llama):
    code = (
        "import sys\nfrom repalign.analysis import Analysis\nfrom repalign import Checkpoint, ParallelCorpus\n"
        "corpus = ParallelCorpus({'en': ['a'] * 12, 'zh': ['b'] * 12})\n"
        "assert len(Analysis((Checkpoint.named(sys.argv[1]),), corpus).key) == 64\n"
        "assert not {'torch', 'transformers', 'plotly'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(llama)], check=True, env=dict(os.environ))


def test_streamed_adapters_of_one_base_are_each_their_own(llama, tmp_path):
    from peft import LoraConfig, get_peft_model

    adapters = []
    for seed in (1, 2):
        model = transformers.AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32)
        adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"]))
        torch.manual_seed(seed)
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.data = torch.randn_like(weight)
        adapted.save_pretrained(tmp_path / f"adapter-{seed}")
        adapters.append(str(tmp_path / f"adapter-{seed}"))
    kept = analyse(adapters, CORPUS, compare=True, store=False, **QUICK)
    streamed = analyse(adapters, CORPUS, compare=True, stream=True, **QUICK)
    pair = ["checkpoint", "baseline", "metric", "variant", "source", "target", "layer"]
    a, b = (
        results.profile.table.sort_values(pair)["value"].reset_index(drop=True)
        for results in (kept, streamed)
    )
    pd.testing.assert_series_equal(a, b, rtol=1e-4, atol=1e-5)
    assert not streamed.tables
