"""Memory of an extraction above its loaded model: `python tests/bench/bench_memory.py --json FILE`.

The model of the extraction benchmark for the size of the peak; a narrow and deep one for its growth with the number of
sentences, since 20,000 sentences through the wide one take an hour on two cores. It is so deep that 2,000 sentences
fill a shard of the store: the room of a shard is held at either number.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
import transformers
from bench_extraction import make_model
from bench_timing import arguments, write

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.models.engine import Engine
from repalign.models.loading import one_base
from repalign.models.locating import locate
from repalign.states.extraction import read_states
from repalign.states.spec import Machine, ReadingSpec


def peak_above_model(folder: str, sentences: int) -> float:
    """MiB by which the process grows at its peak beyond what it holds once the model is loaded."""
    everyday = ParallelCorpus.named("everyday", ["en", "el"])
    rows = {
        lang: [f"{text} {number}" for number in range(-(-sentences // len(everyday))) for text in texts][
            :sentences
        ]
        for lang, texts in everyday.sentences.items()
    }
    machine = Machine(dtype="float32", batch_tokens=4096)
    # Within it the model stays loaded: what grows is what reading takes.
    with one_base():
        Engine.open(locate(Checkpoint.named(folder)), dtype="float32", batch_tokens=4096)
        with watched() as held:
            read_states(Checkpoint.named(folder), ParallelCorpus(rows, "many"), [ReadingSpec()], machine)
    return (max(held) - held[0]) / 2**20


@contextmanager
def watched() -> Iterator[list[int]]:
    """Bytes this process holds, every 5 ms. Not its `ru_maxrss`: loading the model went higher than what follows.

    Mapped files do not count: they are the store's, and the system takes their pages back when it needs room.
    """
    process, done = psutil.Process(), threading.Event()

    def own() -> int:
        info = process.memory_info()
        return info.rss - getattr(info, "shared", 0)

    held = [own()]

    def watch() -> None:
        while not done.wait(0.005):
            held.append(own())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield held
    finally:
        done.set()
        thread.join()


def in_a_process_of_its_own(folder: Path, sentences: int, home: Path) -> float:
    done = subprocess.run(
        [sys.executable, __file__, "--measure", str(folder), str(sentences)],
        env={"REPALIGN_HOME": str(home / str(sentences)), "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(peak_above_model(sys.argv[2], int(sys.argv[3])))
        return
    args = arguments(__doc__.splitlines()[0], few=2_000, many=20_000, peak=300, width=768, layers=68)
    transformers.utils.logging.set_verbosity_error()
    text = [s for rows in ParallelCorpus.named("everyday").sentences.values() for s in rows]
    with tempfile.TemporaryDirectory() as temporary:
        wide = make_model(Path(temporary) / "wide", text, width=args.width)
        narrow = Path(temporary) / "narrow"
        transformers.AutoTokenizer.from_pretrained(wide).save_pretrained(narrow)
        config = transformers.LlamaConfig(
            vocab_size=4000,
            hidden_size=128,
            intermediate_size=128,
            num_hidden_layers=args.layers,
            num_attention_heads=4,
            num_key_value_heads=1,
        )
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(narrow)
        peaks = {n: in_a_process_of_its_own(narrow, n, Path(temporary)) for n in (args.few, args.many)}
        figures = {
            "peak_mib": in_a_process_of_its_own(wide, args.peak, Path(temporary)),
            "peak_mib_narrow": peaks,
            f"growth_{args.many}_over_{args.few}": peaks[args.many] / peaks[args.few],
        }
        write(figures, args.json)


if __name__ == "__main__":
    main()
