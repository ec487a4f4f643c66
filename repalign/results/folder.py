"""A folder of results: a manifest for each kind names the files that are repalign's there; no other file is ever touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from repalign.errors import RepalignError
from repalign.files import json_bytes, read_json
from repalign.progress import Phase
from repalign.results.drawn import Drawn, write_drawn
from repalign.results.paths import created, is_page
from repalign.writes import check_writable, partial_file, remove_abandoned, writing

SCHEMA = 1
"""Version of the manifest."""


class Manifest(TypedDict):
    """It is complete when all that it names is of one run."""

    schema: int
    title: str
    complete: bool
    files: list[str]


LOCK = ".repalign.lock"
"""An empty file that exists while something is written, so that two runs do not mix their files."""


@dataclass(frozen=True)
class Kind:
    """What one command leaves in a folder. No two kinds share the name of a file, so that they can share a folder.

    Attributes:
        name: of its manifest, NAME.manifest.json.
        files: names of all files that it may write.
        former: names that files had in versions before 0.2.
        earlier: the names of its files in a folder that was saved without a manifest, by a version before 0.2.
    """

    name: str
    files: frozenset[str]
    former: frozenset[str] = frozenset()
    earlier: Callable[[Path], Iterable[str]] = lambda folder: ()

    @property
    def manifest(self) -> str:
        """File name of the manifest."""
        return f"{self.name}.manifest.json"


def kind_of_json(name: str, file: str, described: type, *pages: str) -> Kind:
    """A kind of one JSON file, which is recognised by its type where there is no manifest, and of pages."""

    def earlier(folder: Path) -> list[str]:
        try:
            read_json(folder / file, described)
        except RepalignError:
            return []
        return [file]

    return Kind(name, frozenset({file, *pages}), earlier=earlier)


@dataclass(frozen=True)
class Output:
    """One kind of results in a folder.

    Attributes:
        folder: need not exist.
        kind: of the results.
        title: of the results; those of another title are replaced only with `overwrite`. None: not known yet.
        overwrite: also replace results of another title, and those of a version that wrote no manifest.
        option: the command's option that gave the folder, for messages.
    """

    folder: Path
    kind: Kind
    title: str | None = None
    overwrite: bool = False
    option: str = "--out"

    def check(self) -> None:
        """Refuse, before any work, a folder that could not be written later; changes nothing on disk.

        Raises:
            RepalignError: it is no folder, cannot be written, or holds files under names that would be written but are not
                repalign's, or results of another title.
        """
        check_writable(self.folder, self._remedy)
        self._ours(self.kind.files)

    def write(
        self,
        files: Mapping[str, bytes],
        page: tuple[str, Callable[[], str | Drawn]] | None = None,
        keep: bool = False,
    ) -> list[Path]:
        """Replace the results in the folder. Returns the paths written, the manifest apart.

        All files are written under temporary names before the first one is replaced, so that a full disk changes
        nothing. A kill in the middle leaves a manifest that is not complete: such results are not read, and the next
        run replaces them.

        Args:
            files: contents by name.
            page: a file name and the function that draws it, called when the other files are in place.
            keep: keep the other files that the manifest names; by default they are removed as those of an earlier run.

        Raises:
            RepalignError: see `check`; or the disk is full.
        """
        names = files.keys() if keep else self.kind.files
        check_writable(self.folder, self._remedy)
        self._ours(names)
        with writing(self.folder, self._remedy), created(self.folder), _locked(self.folder):
            ours = self._ours(names)  # again: nobody else writes from here on
            new = {*files, page[0]} if page else {*files}
            for name in self.kind.files - files.keys():  # the others are looked for where they are written
                remove_abandoned(self.folder / name)
            with ExitStack() as stack:
                put = {name: self._put(stack, name, data) for name, data in files.items()}
                done = self._put(stack, self.kind.manifest, self._manifest(new | ours if keep else new, True))
                self._put(stack, self.kind.manifest, self._manifest(new | ours, False))()
                for rename in put.values():
                    rename()
                for name in () if keep else ours - set(files):
                    (self.folder / name).unlink(missing_ok=True)
                done()
            if page:
                with Phase("drawing the page"):
                    drawn = page[1]()
                write_drawn(self.folder / page[0], drawn, self._remedy)
        return [self.folder / name for name in (*files, *(page or ())[:1])]

    @property
    def _remedy(self) -> str:
        return f"choose another {self.option}"

    def _put(self, stack: ExitStack, name: str, data: bytes) -> Callable[[], object]:
        """Write under a temporary name; the result gives the file its name."""
        partial = stack.enter_context(partial_file(self.folder / name))
        partial.write_bytes(data)
        return lambda: partial.replace(self.folder / name)

    def _manifest(self, names: Iterable[str], complete: bool) -> bytes:
        described = {"schema": SCHEMA, "title": self.title or "", "complete": complete}
        return json_bytes({**described, "files": sorted(names)})

    def _ours(self, names: Iterable[str]) -> set[str]:
        """The files of the kind that repalign wrote in the folder.

        Raises:
            RepalignError: one of `names` is there and not repalign's, or the results are of another title.
        """
        manifest = read_manifest(self.folder, self.kind)
        if manifest and self.title not in (None, manifest["title"]) and not self.overwrite:
            raise RepalignError(
                f"{self.folder} holds {manifest['title']!r}, not {self.title!r}; {self._remedy}, or replace it with --overwrite "
                "(in Python overwrite=True)"
            )
        named = set(manifest["files"]) if manifest else set()
        present = {name for name in names if os.path.lexists(self.folder / name)}
        ours, foreign = named, present - named
        if manifest or self.overwrite:  # a page drawn later, by `report` or in Python
            ours |= {name for name in foreign if is_page(self.folder / name)}
        if foreign - ours and self.overwrite:
            ours |= set(self.kind.earlier(self.folder))
        foreign -= ours
        foreign |= {name for name in ours if (self.folder / name).is_dir()}
        foreign |= {LOCK} if _is_foreign_lock(self.folder / LOCK) else set()
        if foreign:
            adopted = "" if self.overwrite else ", or give --overwrite if an earlier version of repalign did"
            raise RepalignError(
                f"{self.folder} holds {min(foreign)}, which repalign has no record of writing there; {self._remedy}{adopted}"
            )
        return ours


def read_manifest(folder: Path, kind: Kind) -> Manifest | None:
    """The manifest of a kind, None if there is none. Its names are checked: a file anybody can write decides nothing else.

    Raises:
        RepalignError: it is no manifest, or names a file that is none of the kind's.
    """
    path, remedy = folder / kind.manifest, "choose another folder"
    if not os.path.lexists(path):
        return None
    manifest = read_json(path, Manifest, remedy)
    if manifest["schema"] > SCHEMA:
        raise RepalignError(
            f"{path} has schema {manifest['schema']}, this repalign reads {SCHEMA}; upgrade it"
        )
    if strange := set(manifest["files"]) - kind.files - kind.former:
        raise RepalignError(
            f"{path} names {min(strange)[:60]!r}, which no {kind.name} of this version has; {remedy}"
        )
    return manifest


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time; the lock of a killed process is free."""
    from filelock import FileLock

    lock = folder / LOCK
    with FileLock(lock):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _is_foreign_lock(path: Path) -> bool:
    return os.path.lexists(path) and not (path.is_file() and path.lstat().st_size == 0)
