"""Versions of a model compared, from the command line to a page and back."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from parallel_text import write_lines
from quantisation.factories import breaking, rounding
from tiny_gguf import tiny_qwen, write_gguf

from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.quantisation.run import compare_quantised
from repalign.report.quantisation_text import first_to_break, headline, quantisation_in_words
from repalign.results.quantisation import Quantisation


@pytest.fixture(scope="module")
def text(some, tmp_path_factory):
    return str(write_lines(tmp_path_factory.mktemp("text") / "some", some.sentences))


@pytest.fixture(scope="module")
def broken(base, version, some):
    """The base against a mild version, and one whose Chinese is broken."""
    versions = [version("chinese", breaking(some, "zh")), version("mild", rounding(8))]
    return compare_quantised(str(base), list(map(str, versions)), some, draws=200, progress=False)


def test_the_language_that_was_broken_is_named_first(broken):
    assert broken.order == ["mild", "chinese"], "by divergence, not as given"
    first = first_to_break(broken)
    assert (first.version, first.row["language"], first.alike) == ("chinese", "zh", [])
    assert "In chinese, the mildest of 2 versions of base that raises a loss, Chinese loses most" in headline(
        broken
    )
    assert "more than every other language" in headline(broken)
    drift = quantisation_in_words(broken)["Where does drift begin?"]
    assert "mild: no layer" in drift[0]
    assert "chinese: from layer 0 on (Chinese)" in drift[1]
    assert str(broken.signatures["base"]).split("|")[5] == "float32"


def test_the_loss_of_a_language_is_the_sum_over_its_sentences(broken, some):
    losses = broken.tables["losses"]
    alone = losses[losses["baseline"].isna()].set_index(["checkpoint", "language", "measure"]).sort_index()
    row = alone.loc[("base", "el")]
    total = row["value"]["nats_per_token"] * row["tokens"]["nats_per_token"]
    assert total == pytest.approx(row["value"]["nats_per_sentence"] * 40)
    assert total == pytest.approx(row["value"]["nats_per_character"] * sum(map(len, some.sentences["el"])))
    change = broken.changes("nats_per_token").set_index(["checkpoint", "language"])["value"]
    values = alone["value"]
    both = (values[name, "zh", "nats_per_token"] for name in ("chinese", "base"))
    assert change["chinese", "zh"] == pytest.approx(next(both) - next(both))


def test_of_the_same_weights_no_language_breaks(base, version, some):
    same = compare_quantised(str(base), str(version("same")), some, draws=50, progress=False)
    assert first_to_break(same) is None
    assert headline(same).startswith(
        "No language breaks: in 1 version of base, no loss rises above that of base"
    )
    assert (same.changes("nats_per_token")["value"] == 0).all()
    assert "no significant rise" in quantisation_in_words(same)["Which language loses most?"][0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"num_hidden_layers": 2}, "the number of layers is 2, not 3"),
        ({"hidden_size": 64}, "the number of dims is 64, not 32"),
        ({"vocab_size": 400}, "the size of the vocabulary is 400, not 384"),
    ],
)
def test_another_model_is_refused_before_it_is_loaded(base, some, save_model, tmp_path, settings, expected):
    other = save_model(tmp_path / "other", **settings)
    with pytest.raises(RepalignError, match=f"other is no version of base: {expected}; give versions"):
        compare_quantised(str(base), str(other), some, progress=False)


def test_another_tokenizer_is_refused(base, version, some, save_tokenizer):
    other = version("retokenized")
    save_tokenizer(other, bos=False)
    with pytest.raises(RepalignError, match="their tokenizers give sentence 1 of 'en' different tokens"):
        compare_quantised(str(base), str(other), some, progress=False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--langs", "en"], "give two or more languages, not en alone"),
        (["--sentences", "10"], "quantisation needs 20 different sentences, not 10"),
        (["--pivot", "fr"], "fr"),
    ],
)
def test_a_mistake_gets_one_line(base, version, text, tmp_path, capsys, change, expected):
    command = [
        "quantisation",
        str(base),
        str(version("same")),
        "--corpus",
        text,
        "--out",
        str(tmp_path / "o"),
    ]
    assert main([*command, *change]) == 1
    assert expected in capsys.readouterr().err.strip().splitlines()[-1]
    assert not list((tmp_path / "o").glob("*"))


def test_from_the_command_line_to_a_page_and_back(tmp_path, text, capsys):
    pytest.importorskip("gguf")
    model, tokenizer = tiny_qwen(tmp_path / "tokenizer")
    files = [
        str(write_gguf(tmp_path / f"{kind}.gguf", model, tokenizer, kind)) for kind in ("F32", "Q8_0", "Q4_0")
    ]
    out = tmp_path / "out"
    command = ["quantisation", *files, "--corpus", text, "--draws", "50", "--device", "cpu"]
    assert main([*command, "--json", "--out", str(out)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["settings"]["order"] == ["Q8_0", "Q4_0"]
    assert said["settings"]["saved_as"] == {"F32": "F32", "Q8_0": "Q8_0", "Q4_0": "Q4_0"}
    assert said["findings"][0]["question"] == "Which language breaks first?"
    found = Quantisation.load(out)
    assert set(found.tables) == {"losses", "ranking", "state_drift", "alignment_by_layer"}
    assert len(said["losses"]) == len(found.tables["losses"]) == 3 * (3 * 4 + 2 * 7)
    assert set(found.tables["alignment_by_layer"]["metric"]) == {"mexa", "p_at_1"}
    page = (out / "quantisation.html").read_text()
    assert main(["report", str(out), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == page
    capsys.readouterr()
    assert main(["index", str(out)]) == 0
    drift = pd.read_parquet(out / "state_drift.parquet").query("measure == 'cosine'")
    closest = drift.groupby("checkpoint")["value"].min()
    assert closest["Q8_0"] > closest["Q4_0"]
