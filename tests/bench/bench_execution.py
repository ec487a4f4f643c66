"""What it costs to hand out work: `python tests/bench/bench_execution.py --json FILE`.

- The schedule alone: 10,000 units of 10 checkpoints on 64 workers by a simulated clock, with 5% failures and stragglers.
- A Ray cluster of two nodes of one core on this machine, with units that only wait, so that neither other work nor the speed of
  a model matters: what a unit takes beyond its wait, and how much faster two actors are than one.
- The same with real shards: two models of random weights read four languages of the embedded corpus, by one process and two, by one
  actor and two, each with one thread; from the call to its end, loading and starting included. It needs two free cores.
- The memory of a driver that plans fifty times the embedded corpus, and shares the text with the cluster.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch
from bench_extraction import make_model
from bench_timing import arguments, left_out, write

from repalign.corpora import ParallelCorpus, open_corpus
from repalign.execution.plan import plan
from repalign.execution.ray_actors import connected
from repalign.execution.run import fill, fill_on_ray
from repalign.execution.schedule import Schedule
from repalign.execution.work import Unit
from repalign.progress import Phase
from repalign.states.spec import Machine, ReadingSpec

sys.path.append(str(Path(__file__).parents[1]))
from ray_cluster import LocalCluster, cluster
from simulated_workers import simulate, units

LANGUAGES = ("en", "ar", "hi", "zh")
DRIVER = "--driver"
"""The first argument of this script where it is a process of its own."""


class Waiting:
    """In place of one who computes: it waits as long as a unit costs, and notes when, in the file that the unit names."""

    counted, doing, is_shown = "units", "waiting", False

    def runner(self, device: str | None) -> Waiting:
        """Itself, on any device."""
        return self

    def run(self, unit: Unit, phase: Phase | None = None) -> bool:
        began = time.monotonic()
        time.sleep(unit.cost)
        with Path(unit.language).open("a") as file:
            file.write(f"{os.getpid()} {began} {time.monotonic()}\n")
        return True


def seconds_per_unit(actors: int, count: int, seconds: float, address: str) -> float:
    """What a unit that waits some seconds takes an actor, from the beginning of its first to the end of its last."""
    with tempfile.NamedTemporaryFile("r") as noted, connected(address, actors, 0) as found:
        some = tuple(replace(unit, language=noted.name) for unit in units("a", count * actors, seconds))
        found.run(Waiting(), some)
        rows = [tuple(map(float, line.split())) for line in noted.read().splitlines()]
    spans = []
    for actor in {row[0] for row in rows}:
        own = [row for row in rows if row[0] == actor]
        spans.append((max(end for *_, end in own) - min(began for _, began, _ in own)) / len(own))
    return statistics.mean(spans) / len(spans)


def seconds_of_reading(folder: Path, engine: str, workers: int, address: str) -> float:
    """Two models of random weights read four languages, eight shards: by processes of this machine, or by actors."""
    models, corpus = [str(folder / name) for name in ("first", "second")], open_corpus("everyday", LANGUAGES)
    machine = Machine(device="cpu", dtype="float32", progress=False)
    store = str(folder / engine / str(workers))
    torch.set_num_threads(1)
    began = time.monotonic()
    if engine == "ray":
        done = fill_on_ray(models, corpus, None, machine, store=store, address=address, actors=workers)
    else:
        devices = ["cpu"] * workers if workers > 1 else ()
        done = fill(models, corpus, None, machine, store=store, devices=devices)
    assert done.computed == len(models) * len(LANGUAGES), done.computed
    return time.monotonic() - began


def of_real_shards(local: LocalCluster, folder: Path, blocks: int) -> dict[str, object]:
    sentences = [text for texts in open_corpus("everyday").sentences.values() for text in texts]
    for seed, name in enumerate(("first", "second")):
        make_model(folder / name, sentences, blocks, seed=seed)
    seconds = {
        (engine, workers): in_a_process(local, "read", folder, engine, workers)
        for workers in (1, 2)
        for engine in ("local", "ray")
    }
    return {
        "seconds_of_a_real_unit": seconds["local", 1] / 8,
        "real_overhead_of_actors": [seconds["ray", n] / seconds["local", n] - 1 for n in (1, 2)],
        "real_two_over_one": {engine: seconds[engine, 1] / seconds[engine, 2] for engine in ("local", "ray")},
    }


def drive(argv: list[str]) -> None:
    """One measurement in a process of its own; prints it as JSON."""
    if argv[0] == "wait":
        print(json.dumps(seconds_per_unit(int(argv[1]), int(argv[2]), float(argv[3]), argv[4])))
        return
    if argv[0] == "read":
        print(json.dumps(seconds_of_reading(Path(argv[1]), argv[2], int(argv[3]), argv[4])))
        return
    corpus = open_corpus("everyday")
    times = int(argv[1])
    many = {
        lang: [f"{text} {n}" for n in range(times) for text in rows]
        for lang, rows in corpus.sentences.items()
    }
    made = plan(["base", "m-llama"], ParallelCorpus(many), [ReadingSpec()], Machine(progress=False))
    with connected(argv[2], 1, 0) as found:
        found.ray.put(made.corpus)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        sentences = len(made.corpus) * len(many)
        print(json.dumps({"bytes": most, "sentences": sentences, "units": len(made.units)}))


def in_a_process(local: LocalCluster, *argv: object) -> object:
    command = [sys.executable, __file__, DRIVER, *map(str, argv), local.address]
    done = subprocess.run(command, env=local.environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def on_two_nodes(args: argparse.Namespace) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    try:
        with cluster(folder / "r", ("first", "second")) as local:
            one, two = (in_a_process(local, "wait", n, args.shards, args.seconds) for n in (1, 2))
            driver = in_a_process(local, "memory", args.times)
            real = of_real_shards(local, folder, args.blocks)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "seconds_of_a_unit": args.seconds,
        "overhead_of_one_actor": one / args.seconds - 1,
        "overhead_of_two_actors": 2 * two / args.seconds - 1,
        "two_actors_over_one": one / two,
        **real,
        "driver": driver,
    }


def main() -> None:
    args = arguments(
        __doc__.splitlines()[0], units=10_000, workers=64, seconds=30.0, shards=4, times=50, blocks=12
    )
    every = [unit for number in range(10) for unit in units(f"checkpoint-{number}", args.units // 10)]
    began = time.process_time()
    finished, simulated = simulate(Schedule(every), args.workers, 0)
    assert finished == dict.fromkeys(every, 1)
    figures: dict[str, object] = {
        "schedule_ms_per_unit": 1e3 * (time.process_time() - began) / len(every),
        "simulated_hours": simulated / 3600,
    }
    if not find_spec("ray"):
        left_out("ray")
    else:
        figures |= on_two_nodes(args)
    figures["load_average"] = os.getloadavg()
    write(figures, args.json)


if __name__ == "__main__":
    if sys.argv[1:2] == [DRIVER]:
        drive(sys.argv[2:])
    else:
        main()
