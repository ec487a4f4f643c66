"""A picture of a page, as a reader sees it: `python analyses/report_picture.py REPORT.html [PICTURE]`.

By default figures/report.png, which the README shows. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import base64
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FIGURES = Path(__file__).parent.parent / "figures"
SIZE = {"width": 1180, "height": 860}


def picture(page_file: Path, target: Path, part: str | None = None) -> Path:
    """Open the page, let what is in view be drawn, and keep its first screen, or one part of it.

    Args:
        page_file: the page.
        target: the picture, .png or .webp.
        part: a CSS selector; it is scrolled into view.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        page.goto(page_file.resolve().as_uri())
        page.wait_for_selector(".main-svg")
        if part:
            page.locator(part).first.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)  # figures and the map are drawn when they come into view
        shown = {"format": target.suffix.lstrip("."), "quality": 85}
        if part:
            box = page.locator(part).first.bounding_box()
            shown["clip"] = {**box, "y": box["y"] + page.evaluate("scrollY"), "scale": 1}
        answer = page.context.new_cdp_session(page).send("Page.captureScreenshot", shown)
        target.write_bytes(base64.b64decode(answer["data"]))
        browser.close()
    return target


if __name__ == "__main__":
    print(picture(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else FIGURES / "report.png"))
