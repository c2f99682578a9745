"""A VOC folder: every annotation file, and images without one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from darknet_py.data.check.listed import ListedImage
from darknet_py.data.check.splits import splits_to_check
from darknet_py.data.findings import Findings
from darknet_py.data.formats.box_units import VOC_UNITS
from darknet_py.data.formats.voc.annotation import VocAnnotation, read_annotation
from darknet_py.data.formats.voc.boxes import VocBoxes
from darknet_py.data.formats.voc.layouts import find_voc, image_of
from darknet_py.data.images.locate import PathFinder
from darknet_py.errors import quoted


def check_voc(folder: Path, findings: Findings) -> list[ListedImage]:
    """Check all splits.

    Returns: the images that annotation files name, which are not looked at here.
    """
    found, notes = find_voc(folder), dict[str, list[VocAnnotation]]()
    for split in splits_to_check(found, folder, findings):
        if split not in found:
            findings.add("missing-split", f"has no list or folder of {split}", folder)
            continue
        read = (read_annotation(file, findings) for file in found[split].files(findings))
        notes[split] = [note for note in read if note]
    boxes = VocBoxes([note for each in notes.values() for note in each])
    if boxes.verdict:
        code = "box-units" if boxes.verdict.sure else "box-units-likely"
        findings.add(code, boxes.verdict.message(VOC_UNITS, to="coco"), folder)
    reported = Findings() if boxes.verdict and boxes.verdict.sure else findings
    counts: dict[str, Counter[str]] = {}
    for split, each in notes.items():
        counts[split] = Counter(box.name for note in each for box in boxes.of(note, reported))
        findings.boxes += counts[split].total()
        if not counts[split]:
            findings.add("no-boxes", f"{split} has no box", found[split].file)
    names = {name for each in counts.values() for name in each}
    for name in sorted(names - counts.get("train", Counter(names)).keys()):
        findings.add("class-without-boxes", f"train has no box of `{quoted(name)}`", folder)
    listed = []
    for split, each in notes.items():
        finder = PathFinder(found[split].images)
        places = [image_of(finder, note) for note in each]
        listed += [
            ListedImage(path, split, note.file, note.file_name, size=note.size)
            for path, note in zip(places, each, strict=True)
        ]
    return listed
