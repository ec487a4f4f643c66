"""Paths of a recipe's files: variables, and placeholders for languages, whose codes match by what they mean."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repalign import RepalignError
from repalign.corpora.language_choice import find_language, matching
from repalign.corpora.languages import is_code

PAIR = "{source}-{target}", "{target}-{source}"
"""What {pair} may stand for."""

PLACEHOLDER = re.compile(r"\{(source|target|language)\}")
CODE = r"[a-z]{2,3}(?:[-_](?:[A-Z][a-z]{3}|[A-Z]{2}|[0-9]{3}))*"
"""Codes in names of files, whose later parts begin with capitals: in a name, en-de is a pair of languages."""


def path_of(options: Mapping[str, Any]) -> str:
    """The path of a source, with its placeholders.

    Raises:
        RepalignError: it has none.
    """
    if "path" not in options:
        raise RepalignError("this source needs a path; set sources.NAME.path")
    return options["path"]


def find_path(template: str, languages: Mapping[str, str]) -> Path:
    """The file that is meant by a path with placeholders.

    A code in its name may be spelled in another way: for zh, `data/{language}.json` may be data/zho_Hans.json.

    Args:
        template: may hold {language}, {source}, {target} and {pair}; `~` and `$VARIABLE` are expanded as in a shell.
        languages: placeholder -> code.

    Raises:
        RepalignError: no such file, or several.
    """
    template = os.path.expanduser(os.path.expandvars(template))
    orders = [template.replace("{pair}", pair) for pair in PAIR]
    exact = [Path(PLACEHOLDER.sub(lambda match: languages[match[1]], order)) for order in orders]
    for path in exact:
        if path.is_file():
            return path
    for order in orders:
        if path := _by_meaning(order, languages):
            return path
    raise RepalignError(
        f"no file {exact[0]}; set sources.NAME.path (or the $VARIABLE in it) to where the data is"
    )


def _by_meaning(template: str, languages: Mapping[str, str]) -> Path | None:
    names = list(dict.fromkeys(PLACEHOLDER.findall(template)))
    pattern, found = _pattern(template), {}
    for path in glob.glob(PLACEHOLDER.sub("*", glob.escape(template))) if names else ():
        match = pattern.fullmatch(path)
        if match and all(map(is_code, match.groups())) and os.path.isfile(path):
            found[path] = match
    for name in names:
        codes = sorted({match[name] for match in found.values()})
        if not matching(languages[name], codes):
            return None
        chosen = find_language(languages[name], codes, f"among the files {template}")
        found = {path: match for path, match in found.items() if match[name] == chosen}
    return next(map(Path, found), None)


def _pattern(template: str) -> re.Pattern[str]:
    """Matches the paths that a template may stand for, with a group for each placeholder."""
    parts: Sequence[str] = PLACEHOLDER.split(template)  # text and names in turn
    seen: set[str] = set()
    pattern = ""
    for place, part in enumerate(parts):
        if place % 2 == 0:
            pattern += re.escape(part)
        else:
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>{CODE})"
            seen.add(part)
    return re.compile(pattern)
