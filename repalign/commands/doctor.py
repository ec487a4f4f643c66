"""`repalign doctor`: versions, devices and folders on this machine."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser
from repalign.errors import RepalignError

PACKAGES = ("repalign", "torch", "transformers", "peft", "nnsight", "accelerate", "datasets", "scikit-learn", "umap-learn", "plotly",
            "kaleido", "sacrebleu", "bitsandbytes")  # fmt: skip


def add_arguments(parser: Parser) -> None:
    add_printing_options(parser, quiet=False)
    parser.add_examples("repalign doctor", "repalign doctor --json")


def run(args: argparse.Namespace) -> Outcome:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    facts = {
        "python": f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores",
        **{name: _version(name) for name in PACKAGES},
        **_devices(),
        "browser": browser or "none (needed for static figures and browser tests)",
        **_home(),
    }
    return Outcome([f"{name:<13}{fact}" for name, fact in facts.items()], facts)


def _home() -> dict[str, str]:
    from repalign.checkpoints import home, trained_names
    from repalign.checkpoints.home import REMEDY
    from repalign.commands.cache import totals
    from repalign.states.cache import survey
    from repalign.states.space import LIMIT, cache_limit, free_space
    from repalign.writes import check_writable

    def limit() -> str:
        most = cache_limit()
        return f"at most {most / 1e9:g} GB of states" if most else f"no limit ({LIMIT} sets one)"

    free = _or_why_not(lambda: f"{free_space(home()) / 1e9:,.1f} GB free")
    state = _or_why_not(lambda: check_writable(home() / "states", REMEDY) or "can be written")
    return {
        "home": f"{_or_why_not(lambda: str(home()))}; {free}; {state}",
        "store": _or_why_not(_store),
        "cache": f"{_or_why_not(lambda: totals(survey()))}; {_or_why_not(limit)}",
        "trained": _or_why_not(lambda: ", ".join(trained_names()) or "none"),
    }


def _store() -> str:
    """Where states are stored, and whether that can be written."""
    from repalign.states.storage import STORE, storage_at

    storage = storage_at(True)
    if storage is None or (storage.is_own and storage.remote is None):
        return f"below the home ({STORE} names another)"
    storage.check()
    if storage.remote is not None:
        storage.remote.check_writable()
    return f"{storage}; can be read and written"


def _or_why_not(describe: Callable[[], str]) -> str:
    """A description, or the message of the error in its place: what is broken here should be shown with the rest."""
    try:
        return describe()
    except RepalignError as error:
        return str(error)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> dict[str, str]:
    import torch

    from repalign.models.devices import bfloat16_is_fast, pick_device

    device = pick_device("auto")
    facts = {"device": f"{device}, bfloat16 {'fast' if bfloat16_is_fast(device) else 'slow or absent'}"}
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        facts[f"cuda:{index}"] = (
            f"{torch.cuda.get_device_name(index)}, {free / 1e9:.0f} of {total / 1e9:.0f} GB free"
        )
    return facts
