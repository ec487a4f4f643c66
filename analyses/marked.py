"""Parts of documentation pages that scripts write, between two marks."""

from __future__ import annotations


def rewritten(page: str, begin: str, body: str, end: str) -> str:
    """A page with another body between its marks.

    >>> rewritten("a<b>old<e>z", "<b>", "new", "<e>")
    'a<b>new<e>z'
    """
    head, _, rest = page.partition(begin)
    return f"{head}{begin}{body}{end}{rest.partition(end)[2]}"
