"""Looking inside, from the command line to a page and back."""

from __future__ import annotations

import pandas as pd
import pytest
from parallel_text import made_text, without

from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.inside.run import look_inside
from repalign.models.tokenization import TokenRows
from repalign.results.inside import Inside


def test_from_the_command_line_to_a_page_and_back(llama, text, tmp_path, capsys):
    options = ["--corpus", text, "--neurons", ".05", "--draws", "50", "--dtype", "float32", "--device", "cpu"]
    assert main(["inside", str(llama), *options, "--out", str(tmp_path / "one")]) == 0
    said = capsys.readouterr()
    assert "Does it think in English?" in said.err
    assert str(tmp_path / "one" / "report.html") in said.out
    found = Inside.load(tmp_path / "one")
    assert set(found.tables) == {"lens", "neurons", "interventions"}
    taken = found.tables["interventions"]
    assert set(taken["intervention"]) == {"neurons", "subspace", "steering"}
    assert set(taken["layer"].dropna()) == {1, 2}
    assert (taken["sentences"] == 12).all(), "the other half chose"
    assert "p_adjusted" in taken
    page = (tmp_path / "one" / "report.html").read_text()
    assert main(["report", str(tmp_path / "one"), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == page
    again = look_inside(
        [Checkpoint.named(str(llama))], ParallelCorpus.named(text), share=0.05, draws=50, dtype="float32"
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
    found = look_inside([Checkpoint.named(str(folder))], some, draws=20, layers=[1], dtype="float32")
    assert "neurons" not in found.tables
    assert set(found.tables["interventions"]["intervention"]) == {"subspace", "steering"}
    assert "no neurons" in found.settings["checkpoints"]["moe"]["notes"][0]


def test_halves_share_no_sentence(llama, some):
    from repalign.inside.run import InsideStudy
    from repalign.states.spec import Machine

    study = InsideStudy(
        Checkpoint.named(str(llama)), some, "en", None, 0.05, 20, 0, Machine("float32", "cpu")
    )  # fmt: skip
    even, odd = study._half(0)["en"], study._half(1)["en"]
    assert len(even) + len(odd) == 24
    assert not {row.key for row in even} & {row.key for row in odd}
    assert isinstance(even, TokenRows)


def test_misaligned_text_is_noted_for_every_checkpoint(llama):
    text = made_text(60, "en zh")
    faulty = ParallelCorpus({**text, "zh": without(text["zh"], 20)}, "faulty")
    found = look_inside([Checkpoint.named(str(llama))], faulty, draws=20, layers=[1], dtype="float32")
    ((name, described),) = found.settings["checkpoints"].items()
    assert "corpus 'faulty': misaligned: zh" in described["notes"][0], name
