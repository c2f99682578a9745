"""The label files of all images: missing ones, those in two places or for no image, and their boxes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from darknet_py.data.check.listed import ListedImage
from darknet_py.data.findings import Findings
from darknet_py.data.formats.box_units import FOLLOW_UPS, LABEL_UNITS
from darknet_py.data.formats.darknet.label_files import label_places, looks_like_labels, read_labels
from darknet_py.data.formats.darknet.label_lines import Numbers
from darknet_py.data.formats.darknet.label_units import judge_labels
from darknet_py.data.formats.splits import ALL
from darknet_py.errors import quoted

ANY_CLASS = 10**6  # where the names are unknown


class LabelChecker:
    """Reads each label file once.

    Args:
        names: of the classes; none where they are unknown.
    """

    def __init__(self, names: Sequence[str], findings: Findings) -> None:
        self.names, self.findings = names, findings
        self.rows: dict[Path, np.ndarray] = {}
        self.beyond: dict[Path, list[Numbers]] = {}
        self.files: dict[Path, Path] = {}  # the label file of each image

    def check(self, listed: dict[str, list[ListedImage]], file: Path) -> None:
        """Check the label files of all images of each split.

        Args:
            file: that names the classes.
        """
        for split, images in listed.items():
            per_class, missing = Counter[int](), []
            for image in images:
                boxes = self._boxes(image)
                per_class.update(boxes or {})
                if boxes is None:
                    missing.append(image)
            self._judge_units(images)
            self.findings.boxes += per_class.total()
            if missing and len(missing) == len(images):
                place = label_places(images[0].written, images[0].path)[0]
                message = f"none of the {len(images)} images of {split} has a label file"
                message = f"{message} such as `{quoted(place)}`"
                self.findings.add("labels-all-missing", message, images[0].file)
                continue
            for image in missing:
                message = f"`{quoted(image.written)}` has no label file"
                self.findings.add("label-missing", message, image.file, *image.place())
            if images and not per_class.total():
                self.findings.add("no-boxes", f"{split} has no box", images[0].file)
            elif images and split in ("train", ALL):
                for label, name in enumerate(self.names):
                    if not per_class[label]:
                        self.findings.add(
                            "class-without-boxes", f"{split} has no box of `{quoted(name)}`", file
                        )
        self._check_unused({image.file for images in listed.values() for image in images})

    def _boxes(self, image: ListedImage) -> Counter[int] | None:
        """Boxes of an image by class; None where it has no label file."""
        places = list(dict.fromkeys(label_places(image.written, image.path)))
        found = [place for place in places if os.path.isfile(place)]
        if not found:
            return None
        if found[0] not in self.rows:
            if len(found) > 1 and found[0].read_bytes() != found[1].read_bytes():
                message = f"is read, and `{quoted(found[1])}` has other labels for the same image"
                self.findings.add("label-in-two-places", message, found[0])
            beyond = self.beyond.setdefault(found[0], [])
            rows = read_labels(found[0], len(self.names) or ANY_CLASS, self.findings, beyond=beyond)
            self.rows[found[0]] = np.array(rows, dtype=np.float64).reshape(-1, 5)
        self.files[image.path] = found[0]
        return Counter(self.rows[found[0]][:, 0].astype(int).tolist())

    def _judge_units(self, images: Sequence[ListedImage]) -> None:
        """Report boxes in other units than Darknet's, instead of what follows from it in each line."""
        paths = [image.path for image in images if image.path in self.files]
        files = [self.files[path] for path in paths]
        rows, beyond = [self.rows[file] for file in files], [self.beyond[file] for file in files]
        verdict = judge_labels(paths, rows, beyond)
        if verdict is None:
            return
        if verdict.sure:
            self.findings.withdraw(FOLLOW_UPS, set(files))
        code = "box-units" if verdict.sure else "box-units-likely"
        self.findings.add(code, verdict.message(LABEL_UNITS, to="darknet"), images[0].file)

    def _check_unused(self, lists: set[Path]) -> None:
        known = {path.resolve() for path in (*self.rows, *lists)}
        for folder in sorted({path.parent for path in self.rows}):
            files = [path for path in sorted(folder.glob("*.txt")) if path.resolve() not in known]
            left = [path for path in files if looks_like_labels(path)]
            if left:
                names = ", ".join(f"`{quoted(path.name)}`" for path in left[:3])
                message = f"{len(left)} label files are for images in no list: {names}"
                self.findings.add("label-without-image", message, folder)
