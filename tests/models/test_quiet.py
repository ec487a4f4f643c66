"""What repalign changes in other libraries for a while, and what it says."""

from __future__ import annotations

import logging
import sys

import pytest
import torch
from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from repalign_training.run import torch_threads
from transformers.utils import logging as transformers_logging

from repalign.commands.console import log_to_stderr
from repalign.models.quiet import quiet_transformers


def state() -> tuple:
    return (
        logging.getLogger("transformers").level,
        transformers_logging.is_progress_bar_enabled(),
        are_progress_bars_disabled(),
        are_progress_bars_disabled("some.group"),
    )


@pytest.fixture(params=["default", "chatty", "group", "silent"])
def before(request):
    """Settings that a user may have made."""
    level, bars = logging.getLogger("transformers").level, transformers_logging.is_progress_bar_enabled()
    if request.param == "chatty":
        transformers_logging.set_verbosity_debug()
    if request.param == "group":
        transformers_logging.enable_progress_bar()
        disable_progress_bars("some")
    if request.param == "silent":
        logging.getLogger("transformers").setLevel(logging.NOTSET)
        transformers_logging.disable_progress_bar()
    yield state()
    (transformers_logging.enable_progress_bar if bars else transformers_logging.disable_progress_bar)()
    enable_progress_bars()
    logging.getLogger("transformers").setLevel(level)


def test_transformers_is_quiet_within_and_as_before_afterwards(before):
    with quiet_transformers():
        assert state() == (logging.ERROR, False, True, True)
        with quiet_transformers():
            assert state() == (logging.ERROR, False, True, True)
        assert state() == (logging.ERROR, False, True, True)
    assert state() == before


def test_transformers_is_as_before_after_an_exception(before):
    with pytest.raises(RuntimeError, match="inside"):
        fail_chattily()
    assert state() == before


@quiet_transformers()
def fail_chattily():
    transformers_logging.set_verbosity_debug()
    raise RuntimeError("inside")


def test_threads_are_as_before_afterwards():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    with torch_threads(0):
        assert torch.get_num_threads() == before
    with pytest.raises(KeyError), torch_threads(before + 1):
        raise KeyError
    assert torch.get_num_threads() == before


def test_only_a_command_shows_what_is_logged(capsys):
    logger = logging.getLogger("repalign.training")
    logger.info("before")
    with log_to_stderr():
        logger.info("100% done")
        logging.getLogger("repalign").warning("careful")
        logger.debug("detail")
    with log_to_stderr(prefix="50% "):
        logger.info("m-llama: done")
    logger.info("after")
    shown = capsys.readouterr()
    assert shown.err == "repalign: 100% done\nrepalign: careful\n50% m-llama: done\n"
    assert shown.out == ""
    assert logging.getLogger("repalign").level == logging.NOTSET


def test_a_command_that_fails_leaves_no_handler():
    handlers = list(logging.getLogger("repalign").handlers)
    with pytest.raises(SystemExit), log_to_stderr():
        sys.exit(2)
    assert logging.getLogger("repalign").handlers == handlers
