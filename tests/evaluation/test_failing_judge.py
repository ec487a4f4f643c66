"""A judge that fails costs the win rates only, and a rerun asks for what is missing."""

from __future__ import annotations

import logging
from functools import partial

import pytest
from evaluation.stand_in_judge import StandIn, serving

from repalign.commands.main import main
from repalign.evaluation import Item
from repalign.evaluation.chat import ChatApi
from repalign.evaluation.run import evaluate
from repalign.results.evaluation import Evaluation


@pytest.fixture
def other(tmp_path, save_model):
    return save_model(tmp_path / "other", seed=1)


def asked(*paths):
    """A chat judge compares two models on questions."""
    one, two, questions = map(str, paths)
    return ["evaluate", one, two, "--task", "xquad", "--data", questions, "--judge", "chat:m"]


def test_the_command_writes_all_but_the_win_rates(llama, other, questions, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("repalign.evaluation.chat.ChatApi", partial(ChatApi, sleep=lambda seconds: None))
    out = tmp_path / "out"
    command = [*asked(llama, other, questions), "--limit", "3"]
    command += ["--new-tokens", "2", "--draws", "20", "--no-language", "--out", str(out)]
    with serving(StandIn(["good"] * 4 + [(401, {}, b"")])) as api:
        assert main([*command, "--judge-url", api.url]) == 1
        shown = capsys.readouterr()
        assert f"wrote {out}: evaluation.html, scores.parquet, " in shown.out
        reason = "answers 401 Unauthorized; check $REPALIGN_JUDGE_KEY; verdicts so far are kept"
        assert (
            shown.err.strip()
            .splitlines()[-1]
            .startswith("repalign: everything but the win rates was written: the judge at")
        )
        assert reason in shown.err.strip().splitlines()[-1]
        found = Evaluation.load(out)
        assert {"scores", "answers", "consistency"} <= set(found.tables)
        assert "wins" not in found.tables
        for text in (
            found.settings["wins_missing"],
            shown.out,
            (out / "evaluation.html").read_text(encoding="utf-8"),
        ):
            assert reason in text
        assert main([*command, "--judge-url", api.url]) == 0
    assert set(api.replied.values()) == {1}
    assert len(api.requests) == len(api.replied) + 1
    found = Evaluation.load(out)
    assert set(found.tables["wins"]["language"]) == {"en", "zh"}
    assert "wins_missing" not in found.settings
    assert "no win rates" not in (out / "evaluation.html").read_text(encoding="utf-8")


def test_a_custom_judge_that_raises(llama, other, caplog):
    """The exception is in the log with its traceback, and the scores are returned."""
    caplog.set_level("WARNING", logger="repalign")

    def forgetful(item, first, second):
        return {}["verdict of https://me:pw@host"]

    items = [Item(str(n), "en", "Say", "x", ("y",)) for n in range(3)]
    result = evaluate(
        [str(llama), str(other)], "echo", items=items, scorers="exact", new_tokens=2, judge=forgetful,
        detect=False, draws=20,
    )  # fmt: skip
    assert len(result.tables["scores"])
    assert result.settings["wins_missing"] == "the judge raised KeyError: 'verdict of https://host'"
    (record,) = [one for one in caplog.records if one.exc_info]
    assert record.levelno == logging.WARNING


def test_addresses_are_checked_before_a_model_is_read(llama, other, questions, tmp_path, capsys):
    command = asked(llama, other, questions)
    assert main([*command, "--judge-url", "file:///etc/passwd", "--out", str(tmp_path / "out")]) == 1
    assert "--judge-url takes an address such as https://" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
