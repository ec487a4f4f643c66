"""`repalign demo`: the reports, by the commands that a user would give."""

from __future__ import annotations

import argparse

import pytest

from repalign.commands import demo
from repalign.commands import main as command_line
from repalign.commands.outcome import Outcome


def test_its_commands_can_be_read_and_it_shows_them(tmp_path, monkeypatch, capsys, caplog):
    caplog.set_level("INFO", "repalign")
    read, given = command_line.parsed, []

    def pretended(argv: list[str]) -> argparse.Namespace:
        args = read(argv)
        args.run = lambda args: given.append(args) or Outcome(["a score"], {"scores": 1})
        return args

    monkeypatch.setattr(command_line, "parsed", pretended)
    monkeypatch.setattr(demo, "write_index", lambda folder, overwrite: folder / "index.html")
    outcome = demo.run(argparse.Namespace(out=tmp_path, overwrite=False))
    assert outcome.pages == [tmp_path / "index.html"]
    assert list(outcome.text).count("a score") == len(demo.REPORTS)
    assert outcome.record == {"reports": {folder: {"scores": 1} for folder in demo.REPORTS}}
    assert all(args.no_train for args in given)
    for words in demo.REPORTS.values():
        assert f"$ repalign {' '.join(words)}" in caplog.text


@pytest.mark.heavy
def test_it_writes_three_reports_and_an_index(tmp_path):
    assert command_line.main(["demo", "--out", str(tmp_path)]) == 0
    index = (tmp_path / "index.html").read_text()
    for folder in demo.REPORTS:
        assert (tmp_path / folder / "report.html").is_file()
        assert f'href="./{folder}/report.html"' in index
