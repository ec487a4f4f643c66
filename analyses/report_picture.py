"""A picture of a report's first screen, as a reader sees it: `python analyses/report_picture.py REPORT.html [PICTURE.png]`.

By default figures/report.png, which the README shows. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FIGURES = Path(__file__).parent.parent / "figures"
SIZE = {"width": 1180, "height": 1420}


def picture(report: Path, target: Path) -> Path:
    """Open the page, let what is in view be drawn, and keep it as a PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("#heatmap .main-svg")
        page.wait_for_timeout(1000)  # the map is drawn after the curves
        page.screenshot(path=target)
        browser.close()
    return target


if __name__ == "__main__":
    print(picture(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else FIGURES / "report.png"))
