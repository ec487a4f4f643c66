"""What cannot fit is refused before the work, with what it needs, what there is, and the ways out; freed memory is reused."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from repalign import memory
from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.memory import Memory, check_fits, of_machine, size
from repalign.metrics import METRICS, LayerPair, pairwise
from repalign.models import devices, loading
from repalign.models.loading import load_model, read_config
from repalign.models.locating import locate
from repalign.states import extraction
from repalign.states.extraction import extract

GIB = 1 << 30
MEMINFO = "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\nSwapTotal: 1048576 kB\nSwapFree: 524288 kB\n"


def test_memory_of_a_machine_and_of_a_container(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text(MEMINFO)
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUPS", ((tmp_path, "memory.max", "memory.current", "inactive_file"),))
    assert of_machine() == Memory(9 * GIB, 4 * GIB + GIB // 2)
    for name, text in {
        "max": "max",
        "current": str(2 * GIB),
        "stat": f"anon 5\ninactive_file {GIB}\n",
    }.items():
        (tmp_path / f"memory.{name}").write_text(text)
    assert of_machine() == Memory(9 * GIB, 4 * GIB + GIB // 2)
    (tmp_path / "memory.max").write_text(str(3 * GIB))
    assert of_machine() == Memory(3 * GIB, 2 * GIB)
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "nowhere")  # no Linux
    whole = of_machine()
    assert whole is None or whole.total == whole.free > 0


def test_refused_beyond_all_warned_of_beyond_what_is_free(caplog):
    there = Memory(8 * GIB, 2 * GIB)
    check_fits(2 * GIB, there, "the weights", "use less")
    check_fits(9 * GIB, None, "the weights", "use less")
    assert not caplog.messages
    check_fits(3 * GIB, there, "the weights", "use less")
    assert caplog.messages == [
        "the weights need 3.0 GiB of memory, and 2.0 GiB are free: it may run out; use less"
    ]
    with pytest.raises(
        RepalignError, match=r"the weights need 9.0 GiB of memory, and there are 8.0 GiB in all; use less"
    ):
        check_fits(9 * GIB, there, "the weights", "use less")
    assert size(5 << 20) == "5 MiB"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_that_do_not_fit(dtype, llama, monkeypatch):
    weights = locate(Checkpoint.named(str(llama)))
    config = read_config(weights)
    need = loading._elements(weights) * dtype.itemsize
    monkeypatch.setattr(devices, "of_machine", lambda: Memory(need, need))
    load_model(weights, config, dtype, "cpu")
    monkeypatch.setattr(devices, "of_machine", lambda: Memory(need - 1, 0))
    monkeypatch.setattr(loading, "_source", None)  # nothing is loaded
    with pytest.raises(RepalignError, match=r"the weights of 'tiny-llama' in .* on cpu need") as caught:
        load_model(weights, config, dtype, "cpu")
    assert ("--dtype bfloat16" in str(caught.value)) == (dtype == torch.float32)


def test_states_in_memory_that_do_not_fit(llama, corpus, monkeypatch):
    states = extract(str(llama), corpus, store=False, progress=False)
    need = sum(4 * array.shape[0] * array.shape[1] * array.shape[2] for array in states.arrays.values())
    monkeypatch.setattr(extraction, "of_machine", lambda: Memory(need - 1, need - 1))
    for options, say in (({"store": False}, "--no-store"), ({"stream": True}, None), ({}, None)):
        if say is None:
            extract(str(llama), corpus, progress=False, **options)
            continue
        with pytest.raises(RepalignError, match=f"the states of 3 languages need .* {say}"):
            extract(str(llama), corpus, progress=False, **options)


def test_comparisons_of_all_sentences_that_do_not_fit(monkeypatch):
    monkeypatch.setattr(pairwise, "MANY", 10)
    monkeypatch.setattr(pairwise, "ROOM", 4 * 20)
    states = torch.randn(20, 4)
    monkeypatch.setattr(pairwise, "of_machine", lambda: Memory(4 * 20 * 20, 4 * 20 * 20))
    assert LayerPair.of(states, states).cosine.shape == (20, 20)
    for name in ("cka", "cka_biased", "rsa", "mutual_knn"):
        with pytest.raises(RepalignError, match="comparisons of 20 sentences with each other need"):
            METRICS[name](states, states)
    monkeypatch.setattr(pairwise, "of_machine", lambda: Memory(4 * 20 * 20 - 1, 0))
    with pytest.raises(
        RepalignError, match=r"comparisons of 20 sentences with each other need .* --sentences"
    ):
        _ = LayerPair.of(states, states).cosine
    assert LayerPair.of(states, states).nearest.hits.all()  # in panels
    with pytest.raises(RepalignError, match="comparisons of 20 sentences"):
        _ = LayerPair.of(states, states).source.gram


REUSED = """
import ctypes, sys
from pathlib import Path
from repalign.memory import reused

if not hasattr(ctypes.CDLL(None), "mallopt"):
    sys.exit(77)

def resident_after_freeing(megabytes=200):
    blocks = [bytearray(16 << 20) for _ in range(megabytes // 16)]  # filled: their pages are there
    del blocks
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

before = resident_after_freeing(), resident_after_freeing()
with reused():
    within = resident_after_freeing()
after = resident_after_freeing()
print(before[1], within, after)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says how much memory is resident")
def test_freed_memory_stays_only_where_it_is_reused():
    ran = subprocess.run([sys.executable, "-c", REUSED], capture_output=True, text=True, check=False)
    if ran.returncode == 77:
        pytest.skip("no glibc")
    before, within, after = map(int, ran.stdout.split())
    assert within > before + 150
    assert after < within - 150


def test_without_glibc_nothing_changes(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(memory.ctypes, "CDLL", missing)
    with memory.reused():
        pass
