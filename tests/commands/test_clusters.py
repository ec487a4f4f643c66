"""`--clusters`: what is resampled together, through every command that takes it."""

from __future__ import annotations

import json

import pytest

from repalign.commands.analysis import request
from repalign.commands.main import build_parser, main
from repalign.results.results import Results


@pytest.fixture
def named(text):
    """The corpus with two documents, of 30 and of 10 sentences."""
    (text / "documents.txt").write_text("long\n" * 30 + "short\n" * 10, encoding="utf-8")
    return text


@pytest.fixture
def ids(tmp_path):
    """A file that names four documents of ten sentences."""
    path = tmp_path / "ids"
    path.write_text("".join(f"{row % 4}\n" for row in range(40)), encoding="utf-8")
    return path


def sizes(documents):
    return None if documents is None else sorted(documents.count(one) for one in {*documents})


FORMS = [([], [10, 30]), (["ids"], [10] * 4), (["15"], [10, 15, 15]), (["none"], None)]


@pytest.mark.parametrize(("form", "expected"), FORMS)
def test_data_check_counts_documents_or_says_that_they_are_unknown(form, expected, named, ids, capsys):
    argv = ["data", "check", str(named), *(["--clusters", form[0].replace("ids", str(ids))] if form else [])]
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == (expected and len(expected))
    assert main(argv) == 0
    said = capsys.readouterr().out
    if expected is None:
        assert "documents unknown" in said
    else:
        assert (
            f"{len(expected)} documents of {expected[len(expected) // 2] if len(expected) != 2 else 20} sentences"
            in said
        )
        assert f"{expected[-1]} at most" in said


@pytest.mark.parametrize(("form", "expected"), FORMS)
def test_layers_compare_and_inside_take_clusters(
    form, expected, named, ids, llama, save_model, tmp_path, monkeypatch
):
    option = ["--clusters", form[0].replace("ids", str(ids))] if form else []
    other = str(save_model(tmp_path / "other", seed=1))
    for command in (["layers", str(llama)], ["compare", str(llama), other]):
        args = build_parser(command[0]).parse_args([*command, "--corpus", str(named), *option])
        assert sizes(request(args, command[0] == "compare").corpus.documents) == expected
    seen = []
    monkeypatch.setattr(
        "repalign.inside.run.look_inside",
        lambda checkpoints, corpus, **more: seen.append(corpus) or pytest.skip(),
    )
    with pytest.raises(pytest.skip.Exception):
        main(["inside", str(llama), "--corpus", str(named), "--out", str(tmp_path / "out"), *option])
    assert sizes(seen[0].documents) == expected


def test_results_know_their_documents_and_other_clusters_are_other_results(named, llama, tmp_path):
    argv = ["layers", "--ckpt", str(llama), "--corpus", str(named), "--draws", "20", "--metrics", "cka"]
    keys = []
    for clusters in ("10", "none"):
        out = tmp_path / clusters
        assert main([*argv, "--clusters", clusters, "--out", str(out)]) == 0
        about = Results.load(out).about
        assert about["manifest"]["documents"] == (4 if clusters == "10" else None)
        keys.append(about["key"])
        shown = f"documents: <b>{4 if clusters == '10' else 'unknown'}</b>"
        assert shown in (out / "report.html").read_text(encoding="utf-8")
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--clusters", "40"], "all 40 sentences are of one document"),
        (["--sentences", "20"], "all 20 sentences are of one document"),
        (["--clusters", "missing.txt"], "no file missing.txt"),
    ],
)
def test_nothing_to_resample_is_refused_in_one_line_with_the_way_out(more, message, named, llama, capsys):
    assert main(["layers", "--ckpt", str(llama), "--corpus", str(named), *more]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if message in line]
    assert "none" in line
