"""`repalign cache`: what is stored under `$REPALIGN_HOME`, whether it is damaged, and what is removed."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from repalign.commands.options import store_address
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser, add_list
from repalign.errors import CONTROL, RepalignError, unknown

if TYPE_CHECKING:
    from repalign.states.cache import Entry
    from repalign.states.storage import Storage

SECONDS = {"h": 3600.0, "d": 86_400.0}
BYTES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
IN_STORE = ("states", "scores")
"""Kinds that a store holds; the others are of this machine."""

SHOWN = ("states", "scores", "answers", "verdicts", "gguf")
"""Kinds that are listed entry by entry; the small ones are only counted."""

PRUNING = (
    "Remove stored states, scores, answers, verdicts of a judge, digests of weights and converted tokenizers; what a run needs "
    "again is computed again. Trained checkpoints ($REPALIGN_HOME/checkpoints) are never removed, nor is anything that "
    "repalign did not write or that a process is using."
)


def add_arguments(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what is stored, how large it is, and when it was last used")
    verify = actions.add_parser("verify", help="read all of it; exit code 1 if anything is damaged")
    for one in (listing, verify):
        add_printing_options(one, quiet=False)
    prune = actions.add_parser(
        "prune", help="remove some or all of it; never the trained checkpoints", description=PRUNING
    )
    prune.add_argument(
        "--older",
        type=_age,
        metavar="AGE",
        help="what was not used for AGE, e.g. 30d or 12h (answers: not written)",
    )
    prune.add_argument("--larger", type=_size, metavar="SIZE", help="what is larger than SIZE, e.g. 500MB or 2GB; with "
                       "--older, only what is both")  # fmt: skip
    prune.add_argument("--all", action="store_true", help="everything")
    add_list(prune, "--only", metavar="KIND",
             help="of these kinds only: states, scores, answers, verdicts, digests, gguf; default: all")  # fmt: skip
    prune.add_argument("--dry-run", action="store_true", help="remove nothing, list what would be removed")
    for one in (listing, verify, prune):
        one.add_argument("--store", type=store_address, metavar="URL", help="of the states and scores in this store, a folder or "
                         "s3://BUCKET/PREFIX, in place of the cache of this machine")  # fmt: skip
    where = actions.add_parser("path", help="where states are stored")
    listing.add_examples("repalign cache list", "repalign cache list --json")
    verify.add_examples("repalign cache verify")
    prune.add_examples(
        "repalign cache prune --older 30d --dry-run",
        "repalign cache prune --larger 2GB --only states",
        "repalign cache prune --all",
        "repalign cache prune --older 90d --store ./shared-states --dry-run",
    )
    where.add_examples("du -sh $(repalign cache path)")
    parser.add_examples(*(one.examples[0] for one in (listing, verify, prune, where)))


def run(args: argparse.Namespace) -> Outcome:
    return {"list": _list, "verify": _verify, "prune": _prune, "path": _where}[args.action](args)


def _where(args: argparse.Namespace) -> Outcome:
    from repalign.checkpoints import home

    return Outcome([str(home() / "states")])


def _list(args: argparse.Namespace) -> Outcome:
    from repalign.checkpoints import checkpoint_folder, trained_names
    from repalign.states.cache import survey
    from repalign.states.space import LIMIT, cache_limit

    entries = list(survey(storage=_storage(args)))
    text = [
        _line(entry) if entry.status == "ours" else f"{_path(entry)}: {entry.status}: {entry.about}"
        for entry in entries
        if entry.status != "ours" or entry.kind in SHOWN
    ]
    if args.store:
        return Outcome(
            [*text, f"stored in {_storage(args)}: {totals(entries)}"], [_row(entry) for entry in entries]
        )
    most = cache_limit()
    text.append(
        f"stored: {totals(entries)}" + (f"; {LIMIT} allows {most / 1e9:g} GB of states" if most else "")
    )
    text.append(f"trained checkpoints, never pruned: {len(trained_names())} in {checkpoint_folder('')}")
    return Outcome(text, [_row(entry) for entry in entries])


def _verify(args: argparse.Namespace) -> Outcome:
    from repalign.progress import Phase
    from repalign.states.cache import damages, survey
    from repalign.states.cache_kinds import KINDS

    entries = list(survey(storage=_storage(args)))
    found = []
    with Phase("reading the cache", sum(entry.bytes for entry in entries), "bytes") as phase:
        for entry in entries:
            found += [(KINDS[entry.kind], line) for line in damages(entry)]
            phase.update(entry.bytes)
    listed = [{"kind": kind.name, "damage": line, "then": kind.healing} for kind, line in found]
    text = [f"{_printable(line)}; {kind.healing}" for kind, line in found]
    text += [
        f"{_path(entry)}: ignored, foreign: {entry.about}" for entry in entries if entry.status == "foreign"
    ]
    text.append(f"read {totals(entries)}: {len(found) or 'nothing'} damaged")
    error = RepalignError(
        f"{len(found)} places of the {'store' if args.store else 'cache'} are damaged; nothing damaged is ever used"
    )
    return Outcome(text, listed, error=error if found else None)


def _prune(args: argparse.Namespace) -> Outcome:
    return Outcome(_pruned(args))


def _pruned(args: argparse.Namespace) -> Iterator[str]:
    """Removes one entry after the other, and says so at once: what an interrupted command removed was named."""
    from repalign.states.cache import remove, survey
    from repalign.states.cache_kinds import KINDS, InUse

    by_size_or_age = args.older is not None or args.larger is not None
    if args.all == by_size_or_age:
        raise RepalignError(
            "nothing is removed: say what to prune by --older AGE (30d), --larger SIZE (2GB), both, or else --all; "
            "--dry-run lists it"
        )
    kinds = IN_STORE if args.store else tuple(KINDS)
    for kind in args.only or ():
        if kind not in kinds:
            raise unknown("kind of stored entries", kind, kinds)
    now, failed = time.time(), 0
    removed: list[Entry] = []
    for entry in survey(args.only, _storage(args)):
        if entry.status != "ours":
            yield f"kept {_path(entry)}: {entry.status}: {entry.about}"
            continue
        if args.older is not None and not entry.used:
            yield f"kept {_path(entry)}: the store does not say when it was written"
            continue
        if (args.older is not None and now - entry.used <= args.older) or (
            args.larger is not None and entry.bytes <= args.larger
        ):
            continue
        try:
            if not args.dry_run:
                remove(entry)
        except RepalignError as error:
            failed += not isinstance(error, InUse)
            yield f"kept {_path(entry)}: {error}"
        else:
            removed.append(entry)
            if entry.kind in SHOWN:
                yield _line(entry)
    yield f"{'would remove' if args.dry_run else 'removed'} {totals(removed)}"
    if failed:
        raise RepalignError(f"{failed} entries could not be removed; see above")


def _storage(args: argparse.Namespace) -> Storage | None:
    """The store that is named, or None for the cache of this machine."""
    from repalign.states.storage import storage_at

    return storage_at(args.store) if args.store else None


def totals(entries: Iterable[Entry]) -> str:
    """E.g. "3 states (12.5 MB), 1 answers (0.1 MB)", without what is foreign; "nothing" for none."""
    sizes: dict[str, list[int]] = {}
    for entry in entries:
        if entry.status != "foreign":
            sizes.setdefault(entry.kind, []).append(entry.bytes)
    listed = [f"{len(of_kind)} {kind} ({sum(of_kind) / 1e6:,.1f} MB)" for kind, of_kind in sizes.items()]
    return ", ".join(listed) or "nothing"


def _line(entry: Entry) -> str:
    used = datetime.fromtimestamp(entry.used).date()
    about = _printable(entry.about)
    return f"{entry.kind:8}  {entry.path.name[:8]}  {about:76}  {entry.bytes / 1e6:8.1f} MB  {used}"


def _path(entry: Entry) -> str:
    return _printable(str(entry.path))


def _printable(text: str) -> str:
    """A name of a foreign file may hold anything."""
    return CONTROL.sub(" ", text.encode("utf-8", "replace").decode())


def _row(entry: Entry) -> dict[str, object]:
    used = datetime.fromtimestamp(entry.used, timezone.utc).isoformat(timespec="seconds")
    return {
        "kind": entry.kind, "path": str(entry.path), "bytes": entry.bytes, "used": used if entry.used else None,
        "status": entry.status, "about": entry.about,
    }  # fmt: skip


def _amount(units: dict[str, float], pattern: str, expected: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        match = re.fullmatch(rf"(\d+(?:\.\d+)?)\s*{pattern}", text)
        if not match:
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return float(match[1]) * units[match[2]]

    return parse


_age = _amount(SECONDS, "([dh])", "days or hours such as 30d or 12h")
_size = _amount(BYTES, "([kMGT]?)B", "a size such as 500MB or 2GB")
