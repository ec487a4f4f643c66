"""Layouts of folders and archives: which file holds which language, in the public shapes of parallel corpora."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from repalign.corpora import languages
from repalign.corpora.languages import find, is_code
from repalign.corpora.tables import READERS
from repalign.corpora.text_files import TextFile
from repalign.errors import RepalignError

logger = logging.getLogger(__name__)

SPLITS = ("devtest", "test", "dev", "validation", "valid", "val", "train")
"""Parts of a corpus; where a folder holds several, the first of these is read."""

CODE = f"(?P<language>{languages.CODE.pattern})"
TABLE = f"(?:{'|'.join(map(re.escape, READERS))})"
PAIR = re.compile(r"(?:^|[._-])(?P<pair>[a-z]{2,3}(?:_[A-Za-z]+)?-[a-z]{2,3}(?:_[A-Za-z]+)?)$")
"""Languages at the end of a name of Moses files: News.en-zh."""

SHARD = re.compile(r"(?:(?P<name>.+)-\d+-of-(?P<count>\d+)|\d{4,})\.parquet")
"""Parts of a table as on the hub: test-00000-of-00002.parquet, or 0000.parquet in the folder of a split."""

Files = dict[str, TextFile]
"""Language code -> its file."""


def languages_in(files: Sequence[TextFile], where: str) -> Files:
    """The file of each language in a folder or archive; none if no layout fits.

    Args:
        files: see `repalign.corpora.text_files.files_in`; those in subfolders count where none fits beside them.
        where: how messages refer to the folder.

    Raises:
        RepalignError: two files for one language; several folders or pairs of languages that fit equally well.
    """
    folders: dict[str, list[TextFile]] = {}
    for file in files:
        folders.setdefault(str(PurePosixPath(file.name).parent), []).append(file)
    for layout in LAYOUTS:
        found = {folder: those for folder, inside in folders.items() if (those := layout(inside, where))}
        if found:
            chosen = found["." if "." in found else _one_of(list(found), where, "folders")]
            _log_unread(files, list(chosen.values()), where)
            return chosen
    return {}


def _log_unread(files: Sequence[TextFile], chosen: Sequence[TextFile], where: str) -> None:
    """Which split was read, if there are others."""
    read, all_splits = splits_of(chosen), splits_of(files)
    if read and (unread := [split for split in SPLITS if split in all_splits - read]):
        logger.info(
            "%s: read %s, and not %s; give the folder of another",
            where,
            *map(", ".join, (sorted(read), unread)),
        )


def splits_of(files: Sequence[TextFile]) -> set[str]:
    """The splits that the names of files, or of their folders, contain."""
    return {word for file in files for word in re.split(r"[/.-]", file.name) if word in SPLITS}


def _one_of(names: Sequence[str], where: str, kind: str) -> str:
    """The only name, or that of the first split there is.

    Raises:
        RepalignError: several names that are no splits.
    """
    by_split = {PurePosixPath(name).stem: name for name in names}
    if len(names) == 1:
        return names[0]
    if len(by_split) == len(names) and by_split.keys() <= set(SPLITS):
        return next(by_split[split] for split in SPLITS if split in by_split)
    raise RepalignError(
        f"{where} holds several {kind} of parallel text: {', '.join(sorted(names)[:12])}; give one of them"
    )


def _by_pattern(pattern: str, accepts: Callable[[str], object]) -> Callable[[Sequence[TextFile], str], Files]:
    """A layout whose files are named by a pattern with a group `language`."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def layout(files: Sequence[TextFile], where: str) -> Files:
        found: Files = {}
        for file in files:
            match = compiled.fullmatch(PurePosixPath(file.name).name)
            if not match or not accepts(match["language"]):
                continue
            if match["language"] in found:
                raise RepalignError(
                    f"{where} holds two files for {match['language']!r}: {found[match['language']].where} and {file.where}; "
                    "remove one of them"
                )
            found[match["language"]] = file
        return found

    return layout


def _moses(files: Sequence[TextFile], where: str) -> Files:
    """Files that differ in their last suffix only, each a language: News.en-zh.en and News.en-zh.zh."""
    sides: dict[str, Files] = {}
    for file in files:
        stem, _, code = file.name.rpartition(".")
        pair = PAIR.search(stem)
        if stem and is_code(code) and (not pair or code in pair["pair"].split("-")):
            sides.setdefault(stem, {})[code] = file
    pairs = {stem: found for stem, found in sides.items() if len(found) > 1}
    return pairs[_one_of(list(pairs), where, "pairs")] if pairs else {}


def table_in(files: Sequence[TextFile], where: str) -> list[TextFile]:
    """The file, or the shards in order, of the one table in a folder or archive; none if there is none.

    Raises:
        RepalignError: several tables that are no splits of a data set, or a missing shard.
    """
    tables: dict[str, list[TextFile]] = {}
    for file in files:
        if file.suffix in READERS:
            path = PurePosixPath(file.name)
            shard = SHARD.fullmatch(path.name)
            name = str(path.parent / (shard["name"] or "")) if shard else file.name
            tables.setdefault(name, []).append(file)
    if not tables:
        return []
    found = tables[_one_of(list(tables), where, "tables")]
    _log_unread(files, found, where)
    return all_shards(found, where)


def all_shards(files: Sequence[TextFile], where: str) -> list[TextFile]:
    """The shards of a table in order.

    Raises:
        RepalignError: one is missing, by the number in their names.
    """
    found = sorted(files, key=lambda file: file.name)
    shard = SHARD.fullmatch(PurePosixPath(found[0].name).name)
    if shard and shard["count"] and int(shard["count"]) != len(found):
        raise RepalignError(
            f"{where} holds {len(found)} of {int(shard['count'])} shards of {found[0].name}; fetch the others"
        )
    return found


LAYOUTS: tuple[Callable[[Sequence[TextFile], str], Files], ...] = (
    *(_by_pattern(rf"{CODE}\.{split}", find) for split in SPLITS[:3]),            # FLORES: devtest/eng_Latn.devtest
    *(_by_pattern(rf"{split}\.{CODE}", find) for split in SPLITS[:3]),             # FLORES+: devtest/devtest.eng_Latn
    _by_pattern(rf"newstest\d+-(?:src|ref)\.{CODE}\.txt", find),                   # NTREX-128
    _by_pattern(rf"{CODE}\.txt", is_code),
    _moses,                                                                        # OPUS
    _by_pattern(CODE + TABLE, is_code),
)  # fmt: skip
"""From the surest to the vaguest."""
