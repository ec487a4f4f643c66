"""Looking inside, from the command line to a page and back."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from parallel_text import made_text, without

from repalign import progress
from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.inside.lens import lens
from repalign.inside.run import look_inside
from repalign.inside.study import InsideStudy
from repalign.models.tokenization import TokenRows
from repalign.results.inside import Inside
from repalign.states.spec import Machine


def test_from_the_command_line_to_a_page_and_back(llama, text, tmp_path, capsys):
    options = [
        "--corpus",
        text,
        "--neurons",
        ".05",
        "--draws",
        "50",
        "--random-controls",
        "3",
        "--dtype",
        "float32",
        "--device",
        "cpu",
    ]
    assert main(["inside", str(llama), *options, "--out", str(tmp_path / "one")]) == 0
    said = capsys.readouterr()
    assert "Does it think in English?" in said.out
    assert str(tmp_path / "one" / "inside.html") in said.out
    found = Inside.load(tmp_path / "one")
    assert set(found.tables) == {"lens", "neurons", "interventions"}
    taken = found.tables["interventions"]
    assert set(taken["intervention"]) == {"neurons", "subspace", "steering"}
    assert set(taken["layer"].dropna()) == {1, 2}
    assert (taken["sentences"] == 12).all(), "the other half chose"
    assert (taken["controls"] == 3).all()
    assert (taken["p_adjusted"] >= 1 / 4).all()
    assert "3 random ones cannot give an adjusted p < .05; 20 can" in said.out
    page = (tmp_path / "one" / "inside.html").read_text()
    assert main(["report", str(tmp_path / "one"), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == page
    again = look_inside(
        [Checkpoint.named(str(llama))],
        ParallelCorpus.named(text),
        share=0.05,
        random_controls=3,
        draws=50,
        dtype="float32",
    )
    pd.testing.assert_frame_equal(again.tables["interventions"], taken, check_dtype=False, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--layers", "3"], "no interventions at layer 3; choose layers from 1 to 2"),
        (["--sentences", "10"], "looking inside needs 20 different sentences"),
        (["--langs", "en"], "in two or more languages"),
        (["--pivot", "fr"], "fr"),
    ],
)
def test_a_mistake_gets_one_line(llama, text, tmp_path, capsys, change, expected):
    assert main(["inside", str(llama), "--corpus", text, "--out", str(tmp_path / "o"), *change]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert expected in error
    assert not list((tmp_path / "o").glob("*"))


def test_a_mixture_of_experts_is_read_without_its_neurons(save_model, some, tmp_path):
    folder = save_model(tmp_path / "moe", "mixtral", num_local_experts=2, num_experts_per_tok=1)
    found = look_inside(
        [Checkpoint.named(str(folder))], some, draws=20, random_controls=2, layers=[1], dtype="float32"
    )
    assert "neurons" not in found.tables
    assert set(found.tables["interventions"]["intervention"]) == {"subspace", "steering"}
    assert "no neurons" in found.settings["checkpoints"]["moe"]["notes"][0]


def study_of(folder, corpus):
    machine = Machine("float32", "cpu")
    return InsideStudy(Checkpoint.named(str(folder)), corpus, "en", None, 0.05, 2, 500, 0, machine)


def test_halves_share_no_sentence(llama, some):
    study = study_of(llama, some)
    even, odd = study._half(0)["en"], study._half(1)["en"]
    assert len(even) + len(odd) == 24
    assert not {row.key for row in even} & {row.key for row in odd}
    assert isinstance(even, TokenRows)
    assert [row.key for row in even] == [row.key for row in study.tokens["en"]][::2], (
        "without documents, by turns"
    )


def test_halves_share_no_document(llama, some):
    sizes = {"long": 9, "a": 4, "b": 4, "c": 4, "d": 3}
    documents = [name for name, size in sizes.items() for _ in range(size)]
    study = study_of(llama, ParallelCorpus(some.sentences, "some", documents))
    halves = [{documents[row] for row in np.flatnonzero(study.halves == half)} for half in (0, 1)]
    assert not halves[0] & halves[1]
    assert abs(len(study._half(0)["zh"]) - len(study._half(1)["zh"])) <= 4
    with pytest.raises(RepalignError, match="four documents or more"):
        study_of(llama, ParallelCorpus(some.sentences, "some", ["a"] * 12 + ["b"] * 12))


def test_documents_of_like_sentences_widen_the_intervals_of_the_lens(llama, some):
    study = study_of(llama, some)
    entropy = lens(study.engine, study.unembed, study.tokens["zh"], study.token_languages)[1, :, -1]
    documents = [
        f"d{rank // 4}" for rank in entropy.argsort().argsort()
    ]  # of sentences with like entropy at layer 1
    widths = []
    for names in (None, documents):
        table = pd.DataFrame(list(study_of(llama, ParallelCorpus(some.sentences, "some", names))._lens()))
        row = table.query("language == 'zh' and layer == 1 and measure == 'entropy'").iloc[0]
        widths.append(row["high"] - row["low"])
    assert widths[1] > 1.3 * widths[0]


def test_misaligned_text_is_noted_for_every_checkpoint(llama):
    text = made_text(60, "en zh")
    faulty = ParallelCorpus({**text, "zh": without(text["zh"], 20)}, "faulty")
    found = look_inside(
        [Checkpoint.named(str(llama))], faulty, draws=20, random_controls=2, layers=[1], dtype="float32"
    )
    ((name, described),) = found.settings["checkpoints"].items()
    assert "corpus 'faulty': misaligned: zh" in described["notes"][0], name


def test_every_phase_shows_that_it_is_alive(llama, some, monkeypatch, caplog):
    monkeypatch.setenv(progress.SWITCH, "1")
    monkeypatch.setattr(progress, "TICK", 0.001)
    monkeypatch.setattr(progress, "QUICK", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY", 0.02)
    phases = []
    ending = progress.Phase.__exit__
    monkeypatch.setattr(
        progress.Phase, "__exit__", lambda one, *error: (phases.append(one), ending(one, *error))
    )
    caplog.set_level("INFO", logger="repalign.progress")
    look_inside(str(llama), some, random_controls=2, draws=20, share=0.05, dtype="float32", device="cpu")
    names = [phase.name.partition(": ")[2] for phase in phases if phase.name.startswith(llama.name)]
    assert names[-4:] == ["loading the model", "logit lens", "neurons", "interventions"]
    counted = [phase for phase in phases if phase.total]
    assert [phase.done for phase in counted] == [phase.total for phase in counted], "work is foreseen exactly"
    said = [message for message in caplog.messages if "interventions" in message]
    assert any(
        re.search(r"interventions, \d+ of \d+ sentences read; about \d+ s left; 24 sentences", line)
        for line in said
    )
