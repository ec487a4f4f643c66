"""Time and memory of reading a million sentence pairs: `python tests/bench/bench_pairs.py --json FILE`.

Two files of lines (Moses) of about 100 characters, made of random words and random Han characters, through kind "pairs" with
the filters of paper-m-llama and its check for leakage, without tokenising, in a separate process. `cpu_seconds` does not
depend on what else runs on the machine.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_timing import arguments, write

RECIPE = """
languages = ["en", "zh"]
mixture = "pairs_en-zh"
sources.pairs = { kind = "pairs", path = "FOLDER/pairs.{language}" }
filters = { length_ratio = 3.0, script = 0.5, protect = ["everyday"] }
"""


def write_pairs(folder: Path, count: int) -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghiklmnoprstuvwy", k=rng.randint(2, 9))) for _ in range(20_000)]
    han = [chr(0x4E00 + place) for place in range(5_000)]
    with (
        open(folder / "pairs.en", "w") as english,
        open(folder / "pairs.zh", "w", encoding="utf-8") as chinese,
    ):
        for _ in range(count):
            english.write(" ".join(rng.choices(words, k=16)) + ".\n")
            chinese.write(
                f"{''.join(rng.choices(han, k=20))}，{''.join(rng.choices(han, k=rng.randint(50, 75)))}。\n"
            )
    (folder / "recipe.toml").write_text(RECIPE.replace("FOLDER", str(folder)))


def measure(folder: str) -> None:
    from repalign_training.data.dataset import read_parts
    from repalign_training.recipe import load_recipe

    wall, processor = time.perf_counter(), time.process_time()
    (part,), _ = read_parts(load_recipe(f"{folder}/recipe.toml"))
    figures = {
        "pairs": part.read,
        "kept": len(part.items),
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - processor, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(figures))


def main() -> None:
    args = arguments(__doc__.splitlines()[0], pairs=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        write_pairs(Path(folder), args.pairs)
        command = [sys.executable, __file__, "--measure", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    write(json.loads(done.stdout), args.json)


if __name__ == "__main__":
    measure(sys.argv[2]) if sys.argv[1:2] == ["--measure"] else main()
