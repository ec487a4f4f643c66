"""Corpora by name or location."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repalign.corpora.languages import choose
from repalign.corpora.readers import SUFFIXES, Texts, read_file, read_folder, read_hub
from repalign.errors import unknown

EMBEDDED = {
    "everyday": "260 varied sentences in ar el en hi tr vi zh, written for this project (CC0); for any pre-trained model",
    "phrasebook": "200 held-out sentences of a compositional grammar in the same languages; test set of the demo family",
}
PHRASEBOOK_SENTENCES = 200


def open_texts(spec: str, languages: Sequence[str] | None = None) -> Texts:
    """The texts of a corpus by name or location.

    Args:
        spec: the value of `--corpus`: a built-in name, a folder of `<language>.txt`, a TSV/JSONL/parquet file with
            language columns, or a hub data set in parquet (`owner/name[:config[:split]]`).
        languages: codes, in this order; by default all in the corpus.

    Raises:
        RepalignError: no such corpus, a language it does not have, or text that is not parallel.
    """
    path = Path(spec).expanduser()
    if spec == "everyday":
        return read_file(Path(__file__).parent / "data" / "everyday.tsv", languages)
    if spec == "phrasebook":
        return _phrasebook(languages)
    if path.is_dir():
        return read_folder(path, languages)
    if path.is_file():
        return read_file(path, languages)
    if spec.split(":")[0].count("/") == 1 and path.suffix not in SUFFIXES and spec[0] not in "./~":
        return read_hub(spec, languages)
    raise unknown("corpus", spec, EMBEDDED, "or give a folder of <language>.txt, a file or a hub data set")


def _phrasebook(languages: Sequence[str] | None) -> Texts:
    from repalign.corpora.phrasebook import LANGUAGES, meanings, realise

    chosen = choose(dict.fromkeys(LANGUAGES), languages, "in the phrasebook")
    held_out = meanings("held-out")[:PHRASEBOOK_SENTENCES]
    return Texts("phrasebook", {lang: [realise(m, lang) for m in held_out] for lang in chosen})
