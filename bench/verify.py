"""The time to verify images before a training: headers and ends of many files.

Images of a COCO folder are repeated by hard links, and are in the page cache. The list of verified files is
in a new folder, so that the first pass reads every file and the second none.

    python bench/verify.py ../shared/data/coco-mini --images 5000
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from pathlib import Path

from PIL import Image

from darknet_py.data.formats.labelled.base import LabelledFiles
from darknet_py.data.images.read import SUFFIXES
from darknet_py.data.verify.run import readable


def main() -> None:
    """Print the seconds of both passes, and of decoding the first images for comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="images anywhere inside")
    parser.add_argument("--images", type=int, default=5000, help="files to verify (default: 5000)")
    args = parser.parse_args()
    found = sorted(path for path in args.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    with tempfile.TemporaryDirectory(dir=args.folder.parent) as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        files = []
        for number, path in zip(range(args.images), itertools.cycle(found), strict=False):
            link = Path(folder, f"{number}{path.suffix}")
            os.link(os.path.realpath(path), link)
            link.read_bytes()
            files.append((link, 0))
        data = LabelledFiles(("image",), files, [path.name for path, _ in files])
        for title in ("verified", "verified before"):
            began = time.perf_counter()
            readable(data)
            print(f"{len(files)} images {title}: {time.perf_counter() - began:.2f} s")
        began = time.perf_counter()
        for path, _ in files[:100]:
            with Image.open(path) as image:
                image.load()
        seconds = (time.perf_counter() - began) * len(files) / 100
        print(f"all decoded, one after the other: some {seconds:.0f} s")


if __name__ == "__main__":
    main()
