"""Signs of life: estimates, bars that leave nothing behind, and lines in a log."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time

import pytest

from repalign import progress
from repalign.progress import Phase, duration

BUSY = """
import logging, time
from repalign import progress
from repalign.commands.console import log_to_stderr
from repalign.progress import Phase

progress.TICK, progress.QUICK, progress.LINE_EVERY = 0.05, 0.1, {every}
with log_to_stderr():
    for name in ("reading", "scoring"):
        with Phase(name, 40, "layers", "40 layers of a model") as outer:
            for step in range(40):
                time.sleep(0.02)
                outer.update()
                if step == 20:
                    logging.getLogger("repalign").warning("in between")
                    with Phase("loading"):
                        time.sleep(0.2)
print("done")
"""


def in_terminal(code: str) -> str:
    """What a program writes to a terminal of 80 columns."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["REPALIGN_PROGRESS"] = "1"
        os.execv(sys.executable, [sys.executable, "-c", code])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    written = b""
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # Linux ends a terminal so
            part = b""
        if not part:
            break
        written += part
    assert os.waitpid(child, 0)[1] == 0, written.decode()
    return written.decode()


def screen(written: str) -> list[str]:
    """The lines that remain on a terminal, of which it knows as much as bars need."""
    lines, row, column = [""], 0, 0
    for part in re.finditer(r"\x1b\[(\d*)A|\r|\n|[^\x1b\r\n]+", written):
        text = part[0]
        if text == "\r":
            column = 0
        elif text == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif text.startswith("\x1b"):
            row -= int(part[1] or 1)
        else:
            before = lines[row].ljust(column)
            lines[row] = before[:column] + text + before[column + len(text) :]
            column += len(text)
    return [line.rstrip() for line in lines]


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setenv(progress.SWITCH, "1")


@pytest.fixture
def talkative(shown, monkeypatch, caplog):
    """Every phase writes a line at once."""
    monkeypatch.setattr(progress, "TICK", 0.002)
    monkeypatch.setattr(progress, "QUICK", 0.0)
    caplog.set_level("INFO", logger="repalign.progress")
    return caplog


def test_bars_leave_no_line_behind():
    written = in_terminal(BUSY.format(every=1000))
    assert all(text in written for text in ("reading:", "of 40 layers", "loading:"))
    assert screen(written) == ["repalign: in between", "repalign: in between", "done", ""]


def test_long_work_is_announced_above_its_bar():
    written = in_terminal(BUSY.format(every=0.5))
    announced = [line for line in screen(written) if "left; 40 layers of a model" in line]
    assert len(announced) == 2
    assert "" not in screen(written)[:-1]


def test_the_estimate_is_what_the_speed_so_far_gives():
    phase = Phase("reading", 1200, "tokens", "60 sentences, 340 MiB in the cache", shown=False)
    phase.skip(200)  # stored already
    assert phase.left(3.0) is None
    phase.update(100)
    assert phase.left(20.0) == pytest.approx(180)
    assert phase.line(20.0, in_full=True) == (
        "reading, 100 of 1,000 tokens; about 3 min left; 60 sentences, 340 MiB in the cache"
    )
    phase.update(900)
    assert phase.left(200.0) == 0


def test_when_a_line_is_due():
    quick, slow = Phase("map", 10, "layers", "details"), Phase("map", 10, "layers", "details")
    quick.update(5)
    assert quick.due(elapsed=1.0, silent=5.0) is None
    assert quick.due(elapsed=2.5, silent=5.0) == "map, 5 of 10 layers; about 2 s left"
    assert quick.due(elapsed=3.0, silent=0.5) is None
    assert slow.due(elapsed=2.5, silent=5.0) == "map, 0 of 10 layers"
    assert slow.due(elapsed=4.0, silent=1.5) is None
    slow.update()
    assert slow.due(elapsed=4.5, silent=2.0) == "map, 1 of 10 layers; about 40 s left; details"
    assert slow.due(elapsed=5.0, silent=0.5) is None
    assert slow.due(elapsed=35.0, silent=30.0) == "map, 1 of 10 layers; about 5 min left"


def test_the_first_batch_gives_no_estimate():
    phase = Phase("reading", 1000, "tokens")
    phase.update(20)
    assert phase.due(elapsed=3.0, silent=1.0) == "reading, 20 of 1,000 tokens"
    assert phase.due(elapsed=5.0, silent=1.0) is None
    phase.update(80)
    assert phase.due(elapsed=8.0, silent=1.0) == "reading, 100 of 1,000 tokens; about 70 s left"


def test_what_cannot_be_counted_says_how_long_it_has_taken():
    phase = Phase("loading the model")
    assert phase.due(elapsed=2.0, silent=1.0) == "loading the model"
    assert phase.due(elapsed=33.0, silent=31.0) == "loading the model, 30 s so far"


def test_a_single_long_step_still_writes_lines(talkative, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.05)
    with Phase("judging", 1, "pairs"):
        time.sleep(0.4)
    assert len(talkative.messages) >= 3
    assert set(talkative.messages) == {"judging, 0 of 1 pairs"}


@pytest.mark.parametrize("how", ["argument", "environment", "quiet"])
def test_silence(talkative, monkeypatch, how):
    if how == "environment":
        monkeypatch.setenv(progress.SWITCH, "0")
    progress.quiet(how == "quiet")
    try:
        with Phase("judging", shown=how != "argument"):
            time.sleep(0.05)
    finally:
        progress.quiet(False)
    assert not talkative.messages


def test_an_error_ends_the_phase(talkative):
    with pytest.raises(ValueError, match="no"), Phase("judging") as phase:
        raise ValueError("no")
    assert not phase._watcher.is_alive()


def test_names_within_names(shown):
    with progress.within("control length-matched"):
        assert Phase("scoring").name == "control length-matched: scoring"
    assert Phase("scoring").name == "scoring"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (9.4, "9 s"), (44, "40 s"), (89, "90 s"), (100, "2 min"), (5400, "1 h 30 min")],
)
def test_durations(seconds, said):
    assert duration(seconds) == said
