"""Terms of pages and documentation: `python analyses/glossary.py` writes docs/glossary.md from repalign/report/glossary.toml."""

from __future__ import annotations

from pathlib import Path

from repalign.metrics import METRICS
from repalign.report.glossary import Term, terms

ROOT = Path(__file__).parents[1]

INTRODUCTION = """\
# Glossary

Written by `python analyses/glossary.py` from `repalign/report/glossary.toml`. Pages explain the same terms on hover.

"""


def page() -> str:
    return INTRODUCTION + "\n".join(
        map(entry, sorted(terms().values(), key=lambda term: term.name.casefold()))
    )


def entry(term: Term) -> str:
    """A term with its anchor; metrics lead to their section of metrics.md."""
    further = f" [Formula and failure modes](metrics.md#{term.id})" if term.id in METRICS else ""
    return f'<a id="{term.id}"></a>\n\n**{term.name}**  \n{term.definition}{further}\n'


if __name__ == "__main__":
    path = ROOT / "docs" / "glossary.md"
    path.write_text(page(), encoding="utf-8")
    print(path)
