"""The checkpoints that are shipped with repalign, from those that the demo recipes trained.

    python -m training base alpaca x-llama-zh m-llama
    python analyses/demo_checkpoints.py

Weights are copied as they were trained, in float32: every number of the README, and the digest in every signature, is that
of training. float16 would halve the 8 MB and change the third decimal in 4% of the scores of the terminal, bfloat16 in 18%.
"""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

from repalign_training import load_recipe

from repalign import RepalignError
from repalign.checkpoints import Card, checkpoint_folder
from repalign.checkpoints.card import CARD
from repalign.checkpoints.shipped import MANIFEST, SHIPPED
from repalign.files import json_bytes

FAMILY = ("base", "alpaca", "x-llama-zh", "m-llama")
FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    CARD,
    "tokenizer.json",
    "tokenizer_config.json",
)


def main() -> None:
    """
    Raises:
        RepalignError: a checkpoint is not trained, or by another recipe.
    """
    files = {f"{name}/{file}": data for name in FAMILY for file, data in trained(name).items()}
    for path, data in files.items():
        (SHIPPED / path).parent.mkdir(parents=True, exist_ok=True)
        (SHIPPED / path).write_bytes(data)
    manifest = {
        "made_by": "analyses/demo_checkpoints.py",
        "commit": commit(),
        "sha256": {path: sha256(data).hexdigest() for path, data in files.items()},
    }
    (SHIPPED / MANIFEST).write_bytes(json_bytes(manifest))
    print(f"{SHIPPED}: {len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB")


def trained(name: str) -> dict[str, bytes]:
    """The files of a checkpoint that today's recipe has trained."""
    folder = checkpoint_folder(name)
    card = Card.read(folder)
    if card is None or card.recipe_digest != load_recipe(name).digest:
        raise RepalignError(f"{folder} is not trained by today's recipe; run `python -m training {name}`")
    return {file: (folder / file).read_bytes() for file in FILES}


def commit() -> str:
    """The commit of this checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
