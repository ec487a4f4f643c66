"""Scores as a second stage: whoever scores the parts, the joined profile is that of `profile` of everything, bit for bit."""

from __future__ import annotations

import logging
from dataclasses import replace

import pandas as pd
import pytest
from tiny_models import save_tiny_model

import repalign.scoring.parts
from repalign.analysis import Analysis, analyse
from repalign.checkpoints import home
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.execution.run import fill, score
from repalign.execution.scores import Scorer, plan_scores
from repalign.metrics import find
from repalign.scoring.parts import Part
from repalign.scoring.spec import ScoringSpec
from repalign.scoring.stored_scores import StoredScores
from repalign.states.remote import Remote
from repalign.states.spec import Machine

WORDS = {
    "en": ("the dog sees", "birds"),
    "el": ("ο σκύλος βλέπει", "πουλιά"),
    "tr": ("köpek", "kuşlar"),
    "zh": ("狗看见", "鸟"),
}
SENTENCES = {lang: [f"{a} {n} {b} {b * (n % 5)}" for n in range(24)] for lang, (a, b) in WORDS.items()}
CORPUS = ParallelCorpus(
    {lang: [*rows, rows[0]] for lang, rows in SENTENCES.items()}, "made"
)  # with a duplicate
SCORING = ScoringSpec(metrics=("mexa", "cka"), variants=("raw", "length-matched"), draws=50)
QUIET = Machine(progress=False)

METRIC = """
import repalign

@repalign.metric(label="Mine", bounds=(-1, 1), reference="made up", symmetric=False)
def mine(pair):
    return (pair.x * pair.y).sum(1).tanh() * {factor}
"""


@pytest.fixture(autouse=True)
def two_pairs_at_once(monkeypatch):
    """So that there are several parts."""
    monkeypatch.setattr(repalign.scoring.parts, "AT_ONCE", 2)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("models")
    return [str(save_tiny_model(folder / name, seed=seed)) for seed, name in enumerate(("one", "two"))]


def request(checkpoints, corpus=CORPUS, scoring=SCORING, compare=False, store: bool | str = True) -> Analysis:
    from repalign.checkpoints import as_checkpoints

    return Analysis(
        tuple(as_checkpoints(checkpoints)),
        corpus,
        machine=QUIET,
        scoring=scoring,
        compare=compare,
        store=store,
    )


def scores_of(analysis: Analysis):
    """The profile of an analysis, without its other tables."""
    return analysis._scores([analysis._states(one, analysis.spec) for one in analysis.checkpoints])


def same(a, b) -> None:
    pd.testing.assert_frame_equal(a.table, b.table, check_exact=True)
    pd.testing.assert_frame_equal(a.peaks, b.peaks, check_exact=True)
    assert a.signatures == b.signatures
    assert a.settings == b.settings


@pytest.fixture
def nothing_is_scored(monkeypatch):
    def forbid() -> None:
        monkeypatch.setattr(Part, "scored", lambda *a: pytest.fail("it is stored"))

    return forbid


@pytest.mark.parametrize("pairs", ["pivot", "all"])
def test_parts_joined_are_the_profile_of_everything(models, pairs, nothing_is_scored, caplog):
    corpus, scoring = CORPUS.with_clusters(5), replace(SCORING, pairs=pairs)
    fill(models, corpus, machine=QUIET)
    whole = scores_of(request(models, corpus, scoring, compare=True))
    done = score(models, corpus, None, scoring, QUIET, compare=True)
    assert done.computed == len(done.plan.units) == {"pivot": 6, "all": 9}[pairs]
    nothing_is_scored()
    with caplog.at_level(logging.INFO, "repalign"):
        same(scores_of(request(models, corpus, scoring, compare=True)), whole)
    assert "parts of the scores are stored" in caplog.text


def test_shares_score_everything_once_and_a_second_run_nothing(models, nothing_is_scored):
    fill(models, CORPUS, machine=QUIET)
    shares = [score(models, CORPUS, None, SCORING, QUIET, share=(number, 3)) for number in (1, 2, 3)]
    keys = [unit.key for share in shares for unit in share.plan.units]
    assert len(set(keys)) == len(keys) == sum(share.computed for share in shares) == 4
    assert len(list((home() / "scores").iterdir())) == 4
    nothing_is_scored()
    assert score(models, CORPUS, None, SCORING, QUIET).computed == 0


def test_two_processes_store_the_files_of_one(models, tmp_path):
    stores = [str(tmp_path / name) for name in ("one", "two")]
    for store, processes in zip(stores, (1, 2), strict=True):
        fill(models[:1], CORPUS, machine=QUIET, store=store)
        assert score(models[:1], CORPUS, None, SCORING, QUIET, store=store, processes=processes).computed == 2
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name / "scores").iterdir()}
        for name in ("one", "two")
    ]
    assert files[0] == files[1]


def test_states_that_are_missing_are_named_and_not_computed(models, monkeypatch):
    with monkeypatch.context() as without:
        without.setattr("repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("weights loaded"))
        with pytest.raises(RepalignError, match=r"holds no states of one.*run `repalign extract`"):
            score(models[:1], CORPUS, None, SCORING, QUIET)
    fill(models[:1], CORPUS, machine=QUIET)
    next((home() / "states").glob("*/00000-*.npy")).unlink()
    with pytest.raises(RepalignError, match=r"lacks states of 1 of 4 languages.*run `repalign extract`"):
        score(models[:1], CORPUS, None, SCORING, QUIET)
    assert not (home() / "scores").exists()


def test_damaged_states_are_not_scored(models):
    fill(models[:1], CORPUS, machine=QUIET)
    shard = next((home() / "states").glob("*/00000-*.npy"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\7")
    with pytest.raises(RepalignError, match=r"states of one in .* are missing.*run `repalign extract`"):
        score(models[:1], CORPUS, None, SCORING, QUIET)


def test_a_damaged_part_is_computed_again_and_said(models, caplog):
    fill(models[:1], CORPUS, machine=QUIET)
    score(models[:1], CORPUS, None, SCORING, QUIET)
    files = {path: path.read_bytes() for path in (home() / "scores").iterdir()}
    whole = scores_of(request(models[:1]))
    first = min(files)
    first.write_bytes(files[first][:-9])
    same(scores_of(request(models[:1])), whole)
    assert "stored scores are damaged" in caplog.text
    assert not first.exists()
    first.write_bytes(files[first][:-9])
    caplog.clear()
    assert score(models[:1], CORPUS, None, SCORING, QUIET).computed == 1
    assert "are damaged" in caplog.text
    assert {path: path.read_bytes() for path in (home() / "scores").iterdir()} == files


def test_what_a_killed_writer_leaves_is_not_read(models):
    fill(models[:1], CORPUS, machine=QUIET)
    made = plan_scores(models[:1], CORPUS, None, SCORING, QUIET)
    (home() / "scores").mkdir()
    left = home() / "scores" / f".{made.units[0].key[:32]}-00000000.par.0123abcd.partial"
    left.write_bytes(b"PAR1")
    assert len(made.unwritten()) == len(made.units)
    assert score(models[:1], CORPUS, None, SCORING, QUIET).computed == 2


def test_a_metric_whose_source_changed_is_scored_again(models, tmp_path):
    fill(models[:1], CORPUS, machine=QUIET)
    file, keys = tmp_path / "mine.py", []
    for factor in ("1.0", "0.5"):
        file.write_text(METRIC.format(factor=factor))
        done = score(models[:1], CORPUS, None, replace(SCORING, metrics=(f"{file}:mine",)), QUIET)
        assert done.computed == 2
        keys += [unit.key for unit in done.plan.units]
    assert len(set(keys)) == 4
    half = scores_of(request(models[:1], scoring=replace(SCORING, metrics=(f"{file}:mine",))))
    file.write_text(METRIC.format(factor="1.0"))
    whole = scores_of(request(models[:1], scoring=replace(SCORING, metrics=(f"{file}:mine",))))
    assert half.table["value"].to_numpy() == pytest.approx(whole.table["value"].to_numpy() / 2)


@pytest.mark.parametrize(
    "other",
    [{"draws": 51}, {"seed": 1}, {"variants": ("raw",)}, {"metrics": ("cka", "mexa")}, {"pivot": "zh"}],
)
def test_another_request_has_other_keys(models, other):
    fill(models[:1], CORPUS, machine=QUIET)
    keys = [
        {unit.key for unit in plan_scores(models[:1], CORPUS, None, scoring, QUIET).units}
        for scoring in (SCORING, replace(SCORING, **other))
    ]
    assert not keys[0] & keys[1]


def test_documents_are_part_of_the_key(models):
    fill(models[:1], CORPUS, machine=QUIET)
    keys = [
        {unit.key for unit in plan_scores(models[:1], corpus, None, SCORING, QUIET).units}
        for corpus in (CORPUS, CORPUS.with_clusters(5), CORPUS.with_clusters(4))
    ]
    assert len(set.union(*keys)) == 6


def test_a_scorer_that_would_store_other_scores_is_refused(models):
    fill(models[:1], CORPUS, machine=QUIET)
    made = plan_scores(models[:1], CORPUS, None, SCORING, QUIET)
    with pytest.raises(RepalignError, match="would be stored under another key here"):
        Scorer(replace(made.asked, seed=1)).run(made.units[0])
    assert not (home() / "scores").exists()


def test_a_metric_that_other_processes_cannot_read_is_refused(models):
    mine = replace(find("cka"), name="mine", function=lambda pair: pair.x.mean())
    mine.function.__module__ = "__main__"
    with pytest.raises(RepalignError, match="cannot read the metric 'mine'; define it in a file"):
        plan_scores(models, CORPUS, None, replace(SCORING, metrics=(mine,)), QUIET)


def test_all_checkpoints_of_a_series_have_their_difference(models):
    series = [*models, f"{models[0]}~random"]
    fill(series, CORPUS, machine=QUIET)
    made = plan_scores(series, CORPUS, None, SCORING, QUIET)
    assert [unit.baseline for unit in made.units] == [None] * 6 + [0] * 2
    assert made.units[-1].number == 2


def test_states_in_memory_are_not_looked_up(models, monkeypatch):
    monkeypatch.setattr(StoredScores, "find", lambda *a: pytest.fail("nothing is stored"))
    analyse(models[:1], SENTENCES, store=False, metrics="mexa", draws=20, progress=False)


def test_the_cache_lists_verifies_and_removes_scores(models, capsys, tmp_path):
    for store in (True, str(tmp_path / "shared")):
        fill(models[:1], CORPUS, machine=QUIET, store=store)
        score(models[:1], CORPUS, None, SCORING, QUIET, store=store)
        option = [] if store is True else ["--store", store]
        folder = home() / "scores" if store is True else tmp_path / "shared" / "scores"
        assert main(["cache", "list", *option]) == 0
        listed = capsys.readouterr().out
        assert "one; en-el, en-tr; mexa, cka; layers 0 to 3" in listed
        assert "foreign" not in listed
        assert "2 scores" in listed
        assert main(["cache", "verify", *option]) == 0
        path = min(folder.iterdir())
        path.write_bytes(path.read_bytes()[:-1] + b"2")
        assert main(["cache", "verify", *option]) == 1
        capsys.readouterr()
        assert main(["cache", "prune", "--all", "--only", "scores", *option]) == 0
        assert len(list(folder.iterdir())) == 1  # the damaged one is left alone
        assert list(folder.parent.glob("*/*/*.npy" if store is True else "*/*.npy"))


def test_an_object_store_has_the_files_of_a_folder_and_is_read_elsewhere(
    models, monkeypatch, tmp_path, nothing_is_scored, capsys, caplog
):
    url, remote = "memory://scores-test", Remote("memory://scores-test")
    for store in (True, url):
        fill(models[:1], CORPUS, machine=QUIET, store=store)
    score(models[:1], CORPUS, None, SCORING, QUIET)
    files = {path.name: path.read_bytes() for path in (home() / "scores").iterdir()}
    with monkeypatch.context() as uploading:
        uploading.setattr(Part, "scored", lambda *a: pytest.fail("the folder holds it"))
        score(models[:1], CORPUS, None, SCORING, QUIET, store=url)
    uploaded = {
        file.path: remote.read(file.path) for file in remote.files() if file.path.endswith(".parquet")
    }
    assert uploaded == {f"scores/{name}": data for name, data in files.items()}
    whole = scores_of(request(models[:1]))
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "elsewhere"))
    assert score(models[:1], CORPUS, None, SCORING, QUIET, store=url).computed == 0
    name = min(files)
    remote.write(f"scores/{name}", files[name][:-9])
    same(scores_of(request(models[:1], store=url)), whole)
    assert "stored scores are damaged" in caplog.text
    assert main(["cache", "verify", "--store", url]) == 1
    remote.write(f"scores/{name}", files[name])
    nothing_is_scored()
    same(scores_of(request(models[:1], store=url)), whole)
    assert {path.name: path.read_bytes() for path in (home() / "scores").iterdir()} == files
    capsys.readouterr()
    assert main(["cache", "list", "--store", url]) == 0
    assert "2 scores" in capsys.readouterr().out
    assert main(["cache", "prune", "--all", "--only", "scores", "--store", url]) == 0
    assert not remote.names("scores")


def test_the_command_says_what_it_did(models, tmp_path, capsys):
    for lang, rows in SENTENCES.items():
        (tmp_path / f"{lang}.txt").write_text("\n".join(rows))
    argv = [*models, "--corpus", str(tmp_path)]
    scoring = ["--metrics", "mexa", "--draws", "20"]
    assert main(["extract", *argv, "--quiet"]) == 0
    for share in ("1/2", "2/2"):
        assert main(["score", *argv, *scoring, "--compare", "--shard", share]) == 0
    assert "share 2 of 2: 2 parts of the scores, 2 of them computed now" in capsys.readouterr().err
    assert main(["compare", *argv, *scoring, "--out", str(tmp_path / "out"), "--no-report"]) == 0
    said = capsys.readouterr().err
    assert "4 of 4 parts of the scores are stored" in said
    assert "2 of 2 parts of the scores are stored" in said
    assert main(["score", *models, "--no-store"]) == 1
    assert "leave out --stream and --no-store" in capsys.readouterr().err
