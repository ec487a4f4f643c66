"""Recipes: the starting weights, the data and the settings of a training run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from repalign import RepalignError
from repalign.errors import unknown
from repalign.files import read_toml
from repalign.signature import digest

from .settings import Filters, Settings
from .tables import filled, merged, override, typed

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """One checkpoint to train.

    Attributes:
        name: of the checkpoint.
        about: one line for people.
        mixture: what is trained on, e.g. `alpaca_en+translation_en-zh[0:100000]` (see `data/mixture.py`).
        languages: what `*` stands for in the mixture.
        parent: a recipe, folder or hub id whose weights are tuned; None trains from scratch. For a recipe file, a
            file of that name in the same folder takes precedence.
        template: prompt frame, see `repalign.models.templates`.
        corpus: the embedded corpus to analyse it on by default; None for any.
        temperature: above 1 evens out the sizes of the mixture's parts.
        seed: of initialisation, sampling and order.
        sources: what the names in the mixture mean: name -> kind and options (see `data/sources.py`).
        filters: limits for items (see `Filters`).
        tokenizer, model: tables for training from scratch (`vocabulary`, `mixture`; options of LlamaConfig).
        adapter: LoRA options for PEFT (`quantize = "nf4"` for QLoRA); empty tunes all weights.
        train: see `Settings`.
        origin: the name or path from which `load_recipe` loaded it.
    """

    name: str
    mixture: str
    about: str = ""
    languages: tuple[str, ...] = ()
    parent: str | None = None
    template: str = "alpaca"
    corpus: str | None = None
    temperature: float = 1.0
    seed: int = 0
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    adapter: Mapping[str, Any] = field(default_factory=dict)
    train: Settings = field(default_factory=Settings)
    origin: str = ""

    def as_dict(self) -> dict[str, Any]:
        """All fields but `origin`, as stored in the card."""
        table = asdict(self)
        del table["origin"]
        return json.loads(json.dumps(table))

    @property
    def parent_recipe(self) -> Recipe | None:
        """The recipe that `parent` names; None for other weights, or none."""
        if self.parent and self.origin.endswith(".toml"):
            sibling = Path(self.origin).parent / f"{self.parent}.toml"
            if sibling.is_file() and sibling != Path(self.origin):
                return load_recipe(str(sibling))
        return load_recipe(self.parent) if self.parent in recipe_names() else None

    @property
    def digest(self) -> str:
        """SHA-256 over everything that determines the weights: this recipe and those of its ancestors."""
        table = self.as_dict()
        del table["about"], table["corpus"]
        for key in ("threads", "save_steps", "evaluate_steps", "align_steps", "report_to"):
            del table["train"][key]
        del table["filters"]["drop_limit"]  # decides only whether to train
        if not table["train"]["tokens"]:
            del table["train"]["tokens"]  # runs from before this setting keep their digest
        parent = self.parent_recipe
        return digest([json.dumps(table, sort_keys=True), parent.digest if parent else str(self.parent)])


def recipe_names() -> dict[str, tuple[Path, str, str]]:
    """The recipes that can be named: name -> (file, language, variant).

    A file with `family = ["ar", "el"]` holds one recipe per language, `<stem>-ar` and `<stem>-el`; a table
    `[variant.paper]` adds `<name>-paper`, also to the recipes that extend it unless they say `paper = false`.
    """
    names = {}
    for path in sorted(FOLDER.glob("*.toml")):
        table = _read(path)
        for language in table.get("family") or [""]:
            name = f"{path.stem}-{language}" if language else path.stem
            for variant in ("", *(key for key, change in table.get("variant", {}).items() if change)):
                names[f"{name}-{variant}" if variant else name] = (path, language, variant)
    return names


def load_recipe(name: str, overrides: Iterable[str] = (), seed: int | None = None) -> Recipe:
    """A recipe by name, or from a TOML file by path.

    Args:
        overrides: `key=value`, the key dotted (`train.epochs=2`), the value as in TOML or a bare word.
        seed: replaces the recipe's.

    Raises:
        RepalignError: no such recipe, a key it does not have, or a value of the wrong type.
    """
    origin, path, language, variant = name, *_locate(name)
    name = path.stem if name.endswith(".toml") else name
    table = _read(path)
    table = {key: value if key == "sources" else filled(value, language) for key, value in table.items()}
    table.pop("family", None)
    table = merged(table, table.pop("variant", {}).get(variant, {}))
    for text in overrides:
        table = merged(table, override(text))
    if seed is not None:
        table["seed"] = seed
    train = Settings(**typed(Settings, table.pop("train", {}), f"{name}: train."))
    filters = Filters(**typed(Filters, table.pop("filters", {}), f"{name}: filters."))
    if not table.get("mixture"):
        raise RepalignError(f"{name}: setting 'mixture' is missing")
    fields = typed(Recipe, {**table, "name": name, "origin": origin}, f"{name}: ")
    try:
        json.dumps(fields)
    except TypeError as error:  # TOML has dates and times, which no setting is
        raise RepalignError(f"{name}: a setting holds what no setting can ({error})") from error
    if fields.get("seed", 0) < 0:
        raise RepalignError(f"{name}: seed should be at least 0, not {fields['seed']}")
    return Recipe(**fields, train=train, filters=filters)


def _locate(name: str) -> tuple[Path, str, str]:
    if not name.endswith(".toml"):
        names = recipe_names()
        if name not in names:
            raise unknown("recipe", name, names, "or give a TOML file")
        return names[name]
    if not Path(name).is_file():
        raise RepalignError(
            f"no recipe file {name}; give a path to a TOML file or a name: {', '.join(recipe_names())}"
        )
    return Path(name), "", ""


def _read(path: Path, extending: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The file's table, merged over that of the recipe it extends, if any.

    Raises:
        RepalignError: it extends itself, or a recipe that is not in its folder; a table or list of another type.
    """
    table = read_toml(path)
    variants = table.get("variant", {})
    if not isinstance(variants, dict) or not all(
        isinstance(v, dict) or v is False for v in variants.values()
    ):
        raise RepalignError(f"{path}: variant should be a table of tables, or of false, not {variants!r}")
    family = table.get("family", [])
    if not isinstance(family, list) or not all(isinstance(language, str) for language in family):
        raise RepalignError(f"{path}: family should be a list of language codes, not {family!r}")
    extended = table.pop("extends", None)
    if extended is None:
        return table
    if not isinstance(extended, str) or not re.fullmatch(r"[\w.-]{1,100}", extended):
        raise RepalignError(f"{path}: extends should be the name of a recipe in its folder, not {extended!r}")
    parent = path.with_name(f"{extended}.toml")
    if parent in (path, *extending):
        raise RepalignError(f"{path}: extends {extended!r}, which extends it; name another recipe")
    if not parent.is_file():
        raise RepalignError(f"{path}: extends {extended!r}, but there is no {parent}")
    return merged(_read(parent, (path, *extending)), {"family": [], **table})
