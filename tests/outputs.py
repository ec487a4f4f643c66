"""Every command that writes where the user says, and folders of files that are not repalign's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.quantisation import Quantisation
from repalign.results.results import Stored
from repalign.results.suspects import Suspects
from repalign.scaling.plan import ALLOCATION
from repalign.scaling.study import FIT
from repalign.verification import exchange, verdict

KINDS = {
    "layers": Stored.output("").kind,
    "compare": Stored.output("").kind,
    "evaluate": Evaluation.output("").kind,
    "inside": Inside.output("").kind,
    "suspects": Suspects.output("").kind,
    "quantisation": Quantisation.output("").kind,
    "verify": verdict.KIND,
    "prompts": exchange.KIND,
    "fit": FIT,
    "allocate": ALLOCATION,
}
"""What each command leaves in a folder."""

OTHERS = (
    "notes.txt", "thesis.tex", "paper.pdf", "data.csv", "manifest.json", "my.manifest.json", "index.html", "profile.txt",
    "Profile.json", "map.parquet.bak", "report.html.old", "curves.svg", ".hidden", "README", ".profile.partial",
)  # fmt: skip
"""Names that no command writes unless asked to."""


def foreign_files(folder: Path, *more: str) -> None:
    """Twenty files of somebody else: those of `OTHERS` and `more`, a folder, links, an unreadable and an empty file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*OTHERS, *more):
        (folder / name).write_bytes(f"{name} is mine\n".encode())
    (folder / "steps").mkdir()
    (folder / "steps" / "inner.txt").write_text("inner")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "linked").symlink_to("notes.txt")
    (folder / "unreadable").write_text("secret")
    (folder / "unreadable").chmod(0)
    (folder / "empty").touch()
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)


def snapshot(folder: Path) -> dict[str, object]:
    """Contents, links, modes and times of all that is in a folder."""
    return {str(path.relative_to(folder)): _state(path) for path in sorted(folder.rglob("*"))}


def _state(path: Path) -> tuple[object, ...]:
    facts = path.lstat()
    if path.is_symlink():
        return os.readlink(path), facts.st_mtime_ns
    content = path.read_bytes() if path.is_file() else None
    return content, facts.st_mtime_ns, facts.st_mode


def write_text(folder: Path) -> Path:
    """Forty parallel sentences."""
    folder.mkdir()
    words = {"en": ("dog", "sees", "birds"), "zh": ("狗", "看见", "鸟")}
    for lang, (a, b, c) in words.items():
        rows = [f"{a} {b} {c * n}" for n in range(1, 21)] + [f"{c} {b} {a * n}" for n in range(1, 21)]
        (folder / f"{lang}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def write_alike(folder: Path) -> Path:
    """Forty sentences in two languages that share so many words that even a random model brings them together."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    rows = [["".join(draw.choice(list("abdeiklmnorstu"), 6)) for _ in range(8)] for _ in range(40)]
    (folder / "en.txt").write_text("\n".join(" ".join(row) for row in rows) + "\n", encoding="utf-8")
    turkish = (" ".join(["ve", *row[:7]]) for row in rows)
    (folder / "tr.txt").write_text("\n".join(turkish) + "\n", encoding="utf-8")
    return folder


def write_runs(path: Path) -> Path:
    """Scores that grow with the number of pairs."""
    pairs = np.tile([50.0, 100, 200, 400], 4)
    score = 60 - 300 * pairs**-0.5 + np.random.default_rng(0).normal(0, 0.3, 16)
    languages = ["el"] * 8 + ["zh"] * 8
    pd.DataFrame({"language": languages, "pairs": pairs, "score": score}).to_csv(path, index=False)
    return path


def command_lines(first: Path, second: Path, text: Path, runs: Path, fit: Path) -> Mapping[str, list[str]]:
    """The commands, each without the option that says where it writes, which is last."""
    scored = ["--corpus", str(text), "--draws", "20", "--metrics", "cka"]
    inside = ["--corpus", str(text), "--draws", "20", "--random-controls", "2", "--neurons", ".05"]
    task = [
        "--task",
        "translation",
        "--data",
        str(text),
        "--langs",
        "zh",
        "--limit",
        "2",
        "--new-tokens",
        "2",
    ]
    alike = text.with_name("alike")
    if not alike.exists():
        write_alike(alike)
    return {
        "layers": ["layers", "--ckpt", str(first), *scored, "--out"],
        "compare": ["compare", str(first), str(second), *scored, "--out"],
        "evaluate": ["evaluate", str(first), *task, "--no-language", "--draws", "20", "--out"],
        "inside": ["inside", str(first), *inside, "--out"],
        "suspects": ["data", "suspects", str(alike), "--ckpt", str(first), "--out"],
        "quantisation": [
            "quantisation",
            str(first),
            str(second),
            "--corpus",
            str(text),
            "--draws",
            "20",
            "--out",
        ],
        "verify": ["verify", str(first), "--no-effect", "--out"],
        "prompts": ["verify", str(first), "--write-prompts"],
        "fit": ["scaling", "fit", str(runs), "--form", "power", "--draws", "3", "--out"],
        "allocate": ["scaling", "allocate", str(fit), "--budget", "900", "--out"],
    }
