"""`repalign data suspects`: rows of a corpus that seem to be no translations, ranked, and a page to judge them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repalign.commands.command_line import recorded
from repalign.commands.options import (
    add_machine_options,
    add_out,
    add_overwrite_option,
    add_store_options,
    checked_output,
    chosen_store,
    machine,
    positive,
    resolve,
    say,
)
from repalign.commands.outcome import Outcome, aligned, records
from repalign.commands.parser import Parser

if TYPE_CHECKING:
    from repalign.results.suspects import Suspects

LONGEST = 60
"""Columns of a text in the terminal; the page has all of it."""


def add_options(parser: Parser) -> None:
    """The options of `data suspects`; `data check` refuses them."""
    group = parser.add_argument_group("suspects")
    group.add_argument("--top", type=positive, metavar="N", help="suspects that are listed (default: 50)")
    group.add_argument(
        "--threshold",
        type=float,
        metavar="Z",
        help="score from which a row is suspected, in robust standard deviations (default: 4)",
    )
    group.add_argument(
        "--sentences", type=positive, metavar="N", help="only the first N sentences (default: all)"
    )
    add_machine_options(group)
    add_store_options(group)
    add_out(group, "folder of results (default: out/CHECKPOINT-on-CORPUS)")
    add_overwrite_option(group)
    group.add_argument("--no-report", action="store_true", help="write the tables only")
    group.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="print nothing but the path of the page, and warnings and errors on stderr",
    )
    options = [action.dest for action in group._group_actions]
    parser.set_defaults(of_suspects={name: parser.get_default(name) for name in options})


def check_options(args: argparse.Namespace) -> str | None:
    """Whether an option was given to the wrong one of the two, or a checkpoint is missing."""
    if args.action == "suspects":
        if args.strict:
            return "--strict is an option of `repalign data check`"
        return (
            None
            if args.ckpt
            else "expected a checkpoint whose states are read, as in --ckpt m-llama; got none"
        )
    given = [name for name, usual in args.of_suspects.items() if getattr(args, name) != usual]
    if given:
        return f"--{given[0].replace('_', '-')} is an option of `repalign data suspects`"
    return None


def run(args: argparse.Namespace) -> Outcome:
    """
    Raises:
        RepalignError: see `repalign.suspects.run.find_suspects`; or a folder that cannot be written.
    """
    from repalign.corpora import open_corpus
    from repalign.results.suspects import Suspects
    from repalign.results.titles import title_of

    checked_output(args, Suspects)
    corpus = open_corpus(args.corpus, args.langs).with_clusters(args.clusters).select(limit=args.sentences)
    (checkpoint,) = resolve([args.ckpt], train=not args.no_train)
    output = checked_output(args, Suspects, title_of([checkpoint.name], corpus.name))
    from repalign.report.suspects import headline, render_suspects
    from repalign.suspects.run import find_suspects

    say(f"{output.title}: {len(corpus):,} sentences in {len(corpus.languages)} languages")
    found = find_suspects(
        checkpoint,
        corpus,
        pivot=args.pivot,
        **{name: getattr(args, name) for name in ("top", "threshold") if getattr(args, name) is not None},
        machine=machine(args),
        store=chosen_store(args),
    )
    found.about["command"] = recorded(args.argv)
    paths = found.save(
        output.folder, args.overwrite, None if args.no_report else lambda: render_suspects(found)
    )
    return Outcome([headline(found), "", *_lines(found)], _described(found) if args.json else None, paths)


def _lines(found: Suspects) -> Iterator[str]:
    """A header, then one line per suspect; rows are numbered from 1, as lines of a file are."""
    from repalign.figures.names import shortened, visible

    rows = found.tables["suspects"].merge(found.tables["listed"][["rank", "text"]], on="rank")
    cells = [
        (
            str(row.rank),
            row.language,
            str(row.sentence + 1),
            f"{row.score:.1f}" + "*" * row.suspected,
            row.kind,
            row.side,
            f"row {row.fits + 1}" if row.fits >= 0 else "",
            shortened(visible(" ".join(row.text.split())), LONGEST),
        )
        for row in rows.assign(fits=rows["fits"].fillna(-1)).itertuples()
    ]
    yield from aligned([("", "lang", "row", "score", "kind", "at fault", "fits", "text"), *cells])


def _described(found: Suspects) -> dict[str, Any]:
    """What `--json` prints: the first suspects with their texts; rows count from 0, as in the tables."""
    from repalign.report.suspects import headline

    listed = found.tables["suspects"].merge(
        found.tables["listed"][["rank", "pivot_text", "text", "fits_text"]], on="rank"
    )
    return {
        "title": found.title,
        "signatures": found.signatures,
        "settings": found.settings,
        "headline": headline(found),
        "suspects": records(listed),
        "working": records(found.tables["working"]),
    }
