"""FLORES-101 and FLORES-200 as unpacked: one file per language, `eng.devtest` or `zho_Hans.devtest`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repalign.corpora.languages import choose
from repalign.corpora.parallel import ParallelCorpus
from repalign.corpora.readers import read_lines
from repalign.errors import RepalignError

CODES = {
    "en": ("eng",), "ar": ("arb", "ara"), "el": ("ell",), "hi": ("hin",), "tr": ("tur",), "vi": ("vie",),
    "zh": ("zho_Hans", "zho_simpl"), "es": ("spa",), "ru": ("rus",), "de": ("deu",), "fr": ("fra",),
    "ja": ("jpn",), "ko": ("kor",), "th": ("tha",), "ro": ("ron",), "it": ("ita",), "pt": ("por",), "sw": ("swh", "swa"),
}  # fmt: skip
"""Short language codes and the FLORES codes they stand for; other languages use FLORES codes."""


def read_flores(
    folder: Path, languages: Sequence[str] | None = None, split: str = "devtest"
) -> ParallelCorpus:
    """Read FLORES from its folder, or from the folder of one split.

    Args:
        folder: the unpacked archive.
        languages: short or FLORES codes; by default all that have a short code.
        split: "dev" or "devtest".

    Raises:
        RepalignError: no such files, or no file for a language.
    """
    files = {path.stem: path for path in sorted(folder.rglob(f"*.{split}"))}
    if not files:
        raise RepalignError(f"no *.{split} in {folder}; expected files such as eng_Latn.{split}")
    short = {
        code: path
        for code, spellings in CODES.items()
        for stem, path in files.items()
        if any(stem == spelled or stem.startswith(f"{spelled}_") for spelled in spellings)
    }
    chosen = choose(short | files, languages or sorted(short), f"in {folder}")
    return ParallelCorpus("flores", {language: read_lines(path) for language, path in chosen.items()})
