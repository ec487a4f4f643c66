"""`repalign demo`: the reports, by the commands that a user would give."""

from __future__ import annotations

import argparse

import pytest

from repalign.commands import demo
from repalign.commands import main as command_line


def test_its_commands_can_be_read_and_it_shows_them(tmp_path, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(command_line, "run_command", lambda argv: given.append(argv) or [])
    monkeypatch.setattr(demo, "write_index", lambda folder, overwrite: folder / "index.html")
    paths = demo.run(argparse.Namespace(out=tmp_path, overwrite=False))
    assert paths == [tmp_path / "index.html"]
    said = capsys.readouterr().err
    for argv, words in zip(given, demo.REPORTS.values(), strict=True):
        assert command_line.build_parser(argv[0]).parse_args(argv).no_train
        assert f"$ repalign {' '.join(words)}" in said
    assert f"open {tmp_path / 'index.html'}" in said


@pytest.mark.heavy
def test_it_writes_three_reports_and_an_index(tmp_path):
    assert command_line.main(["demo", "--out", str(tmp_path)]) == 0
    index = (tmp_path / "index.html").read_text()
    for folder in demo.REPORTS:
        assert (tmp_path / folder / "report.html").is_file()
        assert f'href="./{folder}/report.html"' in index
