"""Memory and time of retrieval at many sentences, panel by panel, and its agreement with the whole matrix.

    python tests/bench/bench_scale.py --sentences 5000 --dim 256 --exact
    python tests/bench/bench_scale.py --sentences 100000 --dim 4096 --panels 3     # some panels; the time of all is extrapolated

Memory is what the process holds at its peak beyond the float32 states of both languages.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from itertools import islice
from pathlib import Path

import torch

from repalign.metrics import METRICS, LayerPair, Representation, pairwise

NAMES = ("p_at_1", "mexa", "csls", "xsim_distance", "cosine_gap")


def made(sentences: int, dim: int) -> list[Representation]:
    """Two related languages: float32."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(sentences, dim, generator=generator)
    y = torch.randn(sentences, dim, generator=generator).mul_(4).add_(x)
    return [Representation(x), Representation(y)]


def peak() -> int:
    """Bytes that the process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def scores(pair: LayerPair) -> dict[str, torch.Tensor]:
    """Of each metric in both directions, per sentence."""
    return {
        f"{name} {way}": METRICS[name](side).per_sentence
        for name in NAMES
        for way, side in (("forward", pair), ("back", pair.reverse))
    }


def exact(sentences: int, dim: int) -> dict[str, object]:
    """Hits that differ, and the largest difference of other values, of panels of a tenth from the whole matrix."""
    room, pairwise.ROOM = pairwise.ROOM, 1 << 40
    whole = scores(LayerPair(*made(sentences, dim)))
    pairwise.ROOM = 4 * sentences * sentences // 10
    parts = scores(LayerPair(*made(sentences, dim)))
    pairwise.ROOM = room
    differ = {name: (parts[name] - of).abs() for name, of in whole.items()}
    shares = [name for name in differ if not name.startswith("cosine_gap")]
    return {
        "hits": int(sum(whole[name].sum() for name in shares)),
        "hits that differ": int(sum((differ[name] > 0).sum() for name in shares)),
        "largest difference of the cosine gap": float(
            max(of.max() for name, of in differ.items() if name not in shares)
        ),
    }


def measured(sentences: int, dim: int, panels: int | None) -> dict[str, object]:
    """Peak memory and CPU seconds of P@1 both ways and MEXA, which share one pass."""
    source, target = made(sentences, dim)
    before = peak()
    start = time.process_time()
    pair = LayerPair(source, target)
    _ = pair.cosines
    prepared, start = time.process_time() - start, time.process_time()
    height = pairwise.ROOM // (4 * sentences)
    every = -(-sentences // height)
    if panels is None:
        _ = METRICS["p_at_1"](pair), METRICS["p_at_1"](pair.reverse), METRICS["mexa"](pair)
    else:
        some = pairwise.Pairwise.panels
        pairwise.Pairwise.panels = lambda self: islice(some(self), panels)
        pair.cosines.matrix.largest(pairwise.MOST)
    seconds = time.process_time() - start
    return {
        "GiB beyond the states": (peak() - before) / 2**30,
        "GiB of the states": 2 * source.states.nbytes / 2**30,
        "CPU s of directions": prepared,
        "CPU s of all panels": seconds * every / (panels or every),
        "panels": every,
        "panels read": panels or every,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=5000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--panels", type=int, help="read only so many, for the memory; all by default")
    parser.add_argument("--exact", action="store_true", help="also compare with the whole matrix")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = {"sentences": args.sentences, "dim": args.dim, "threads": torch.get_num_threads()}
    found |= (
        exact(args.sentences, args.dim) if args.exact else measured(args.sentences, args.dim, args.panels)
    )
    print(json.dumps(found, indent=1))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
