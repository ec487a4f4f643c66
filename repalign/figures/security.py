"""What keeps a page closed: text that stays text, buttons that upload nothing, a policy that runs only the page's scripts."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterable
from html import escape
from typing import Any

CONFIG: dict[str, Any] = {
    "modeBarButtons": [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    "toImageButtonOptions": {"format": "svg"},
    "displaylogo": False,
    "showSendToCloud": False,
    "showEditInChartStudio": False,
    "plotlyServerURL": "",
    "typesetMath": False,
    "responsive": True,
}
"""Plotly's configuration of every figure. Its buttons are listed one by one, because a new release may bring one that uploads."""

MODEBAR = {"remove": ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"]}
"""The same in the layout, which a figure takes along into a notebook, where the configuration is not ours."""

INERT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""JSON escapes of characters that could end a script element or a line of script."""

ISOLATE, END_ISOLATE = "\u2068", "\u2069"


def as_text(text: str) -> str:
    """Text that Plotly shows as it is: without its HTML tags, its `%{...}` templates and MathJax's `$...$`.

    >>> as_text("<b>%{y}</b> $x$")
    '&lt;b&gt;%&#123;y}&lt;/b&gt; &#36;x&#36;'
    """
    return escape(text, quote=False).replace("%{", "%&#123;").replace("$", "&#36;")


def group(name: str) -> str:
    """The legend group of a name; never that of a JavaScript property such as `constructor`, by which Plotly looks it up."""
    return f"group {as_text(name)}"


def isolated(text: str) -> str:
    """Text whose direction does not reorder what stands around it: in Unicode isolates if it has letters written from right to left."""
    from_right = any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in text)
    return f"{ISOLATE}{text}{END_ISOLATE}" if from_right else text


def inert(json: str) -> str:
    """JSON that is safe inside a script element."""
    return json.translate(str.maketrans(INERT))


def content_policy(scripts: Iterable[str], beside: bool = False) -> str:
    """The Content-Security-Policy of a page: no request, form, frame or plugin, and no script or handler but these.

    Args:
        scripts: the exact text of the page's script elements.
        beside: whether it may also load scripts from where it lies itself: parts of a large page, which whoever could
            change them could change in the page, too.
    """
    hashes = (
        base64.b64encode(hashlib.sha256(script.encode("utf-8", "replace")).digest()).decode()
        for script in scripts
    )
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    allowed = f"'self' {allowed}" if beside else allowed
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
