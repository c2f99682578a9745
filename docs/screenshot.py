"""Takes the pictures of a report in README.md: its first screen, light and dark.

    python docs/screenshot.py runs/demo/report.html

Chromium shows the page (tests/report/chromium.py), and Pillow reduces its colours, so that a picture has some
100 kB.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.report.chromium import chromium  # noqa: E402 - not installed

WIDTH, HEIGHT = 1000, 790  # CSS pixels: title, summary and verdicts
COLOURS = 128


def main(page: Path, folder: Path = ROOT / "docs" / "pictures") -> None:
    """Write report-light.png and report-dark.png."""
    with chromium() as tab:
        for theme in ("light", "dark"):
            tab.open(page, width=WIDTH, height=HEIGHT, dark=theme == "dark")
            tab.evaluate("document.documentElement.style.overflow = 'hidden'")
            file = tab.picture(folder / f"report-{theme}.png")
            picture = Image.open(file).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            picture.save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
