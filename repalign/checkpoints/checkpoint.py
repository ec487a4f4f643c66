"""Checkpoint: a name that resolves to exactly one location of weights."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repalign.checkpoints.card import CARD, Card
from repalign.checkpoints.folder import GGUF
from repalign.checkpoints.home import checkpoint_folder, unreadable
from repalign.checkpoints.shipped import SHIPPED, shipped_folder
from repalign.errors import RepalignError, unknown
from repalign.files import read_toml
from repalign.privacy import folder_name

RANDOM = "~random"
"""Suffix of a random-weights twin: `m-llama~random` has m-llama's shape and tokenizer, and untrained weights."""

CANONICAL = re.compile(
    r"(albert|bert|camembert|ctrl|distil\w+|flaubert|gpt2|openai|roberta|t5|transfo|xlm|xlnet)(-[\w.-]+)?"
)
"""Hub ids without an owner, from the hub's first years."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a model is and how it was made.

    Attributes:
        name: shown in tables and reports.
        location: a local folder, a GGUF file, or a hub id.
        revision: of a hub id.
        file: a GGUF file of a hub id.
        recipe: the training recipe that makes it if it does not exist yet.
        parent: the checkpoint it was tuned from.
        template: the prompt template it was tuned with; None if unknown.
        corpus: the built-in corpus that suits it; None for an arbitrary pre-trained model.
        twin: seed of a random-weights twin, or None for the trained weights.
    """

    name: str
    location: str
    revision: str | None = None
    file: str | None = None
    recipe: str | None = None
    parent: str | None = None
    template: str | None = None
    corpus: str | None = None
    twin: int | None = None

    @classmethod
    def named(cls, spec: str) -> Checkpoint:
        """Resolve the value of `--ckpt`: a known name, a local folder, an adapter folder, a GGUF file or a hub id.

        A trained folder with a card takes precedence over the checkpoint shipped under that name, and that over the rest of
        the catalogue; a path exists, starts with `.`, `/` or `~`, or leads into a folder that exists: names of local files
        are not asked for on the hub.
        `SPEC@REVISION` names a hub revision, `OWNER/NAME/FILE.gguf` a file on the hub; `SPEC~random` the random-weights
        twin of SPEC.

        Raises:
            RepalignError: no such checkpoint; suggests the closest known name.
        """
        if spec.endswith(RANDOM):
            return random_twin(cls.named(spec.removesuffix(RANDOM)))
        path = Path(spec).expanduser()
        try:
            is_folder, is_file = path.is_dir(), path.is_file()
        except OSError as error:  # a name of 300 characters, a folder that may not be entered
            raise RepalignError(f"cannot read {spec[:80]!r}: {error.strerror}; check the path") from error
        if is_folder:
            return _from_folder(path)
        if is_file and path.suffix == GGUF:
            return cls(name=path.stem, location=str(path))
        if is_file:
            raise RepalignError(f"{spec} is a file; give --ckpt the folder that contains it, or a GGUF file")
        entries = catalogue()
        trained = checkpoint_folder(spec)
        if "/" not in spec and _is_finished(trained):
            return _from_folder(trained, name=spec, recipe=entries.get(spec, {}).get("recipe"))
        if spec in entries:
            entry = entries[spec]
            if shipped := shipped_folder(spec):
                return _from_folder(shipped, name=spec, recipe=entry.get("recipe"))
            return cls(
                name=spec,
                location=entry.get("hub") or str(trained),
                recipe=entry.get("recipe"),
                parent=entry.get("parent"),
                corpus=entry.get("corpus"),
            )
        if spec.startswith((".", "/", "~")) or ("/" in spec and Path(spec.split("/")[0]).is_dir()):
            raise RepalignError(
                f"no folder {spec}; --ckpt takes a known name, a local folder, a GGUF file or a hub id"
            )
        hub, _, revision = spec.partition("@")
        parts = hub.split("/")
        if len(parts) == 3 and spec.endswith(GGUF):
            return cls(name=Path(spec).stem, location="/".join(parts[:2]), file=parts[2])
        if len(parts) == 2 or (len(parts) == 1 and CANONICAL.fullmatch(hub)):
            return cls(name=spec, location=hub, revision=revision or None)
        raise unknown(
            "checkpoint", spec, {*entries, *trained_names()}, "or give a folder or a hub id (owner/name)"
        )

    @property
    def is_shipped(self) -> bool:
        """Whether it came with the package."""
        return Path(self.location).parent == SHIPPED

    @property
    def path(self) -> Path | None:
        """The local folder or GGUF file; None for a hub id or a recipe whose training is not finished."""
        path = Path(self.location)
        return path if path.suffix == GGUF and path.is_file() else self.folder

    @property
    def folder(self) -> Path | None:
        """The local folder; None for a hub id, a GGUF file, or a recipe whose training is not finished."""
        path = Path(self.location)
        finished = path.is_dir() and (self.recipe is None or (path / CARD).is_file())
        return path if finished else None


def random_twin(checkpoint: Checkpoint, seed: int = 0) -> Checkpoint:
    """The same architecture and tokenizer with untrained weights: a baseline for alignment due to shared tokens."""
    return replace(checkpoint, name=checkpoint.name + RANDOM, twin=seed)


def catalogue() -> dict[str, dict[str, Any]]:
    """The entries of catalogue.toml by name."""
    return read_toml(Path(__file__).with_name("catalogue.toml"))


def trained_names() -> list[str]:
    """Names of the finished checkpoints under `$REPALIGN_HOME`.

    Raises:
        RepalignError: the home cannot be read.
    """
    root = checkpoint_folder("")
    try:
        folders = sorted(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unreadable(root, error) from error
    return [folder.name for folder in folders if _is_finished(folder)]


def _is_finished(trained: Path) -> bool:
    """Whether a folder below the home holds a trained checkpoint.

    Raises:
        RepalignError: the home cannot be read.
    """
    try:
        return (trained / CARD).is_file()
    except OSError as error:
        raise unreadable(trained, error) from error


def _from_folder(folder: Path, name: str | None = None, recipe: str | None = None) -> Checkpoint:
    card = Card.read(folder)
    return Checkpoint(
        name=name or _name_of(folder.resolve()),
        location=str(folder),
        recipe=recipe,
        parent=card.parent if card else None,
        template=card.template if card else None,
        corpus=str(card.recipe.get("corpus") or "") or None if card else None,
    )


def _name_of(folder: Path) -> str:
    # The Trainer names every intermediate state checkpoint-STEP; the run's name makes it unique.
    name = folder_name(folder)
    return f"{folder_name(folder.parent)}/{name}" if name.startswith("checkpoint-") else name
