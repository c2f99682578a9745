"""Folders of images and label files, and `data.yaml`; `yolo_layouts.py` lists where tools put them.

The label files are Darknet's. Class names stand in a file of their own, see `names_files.py`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from darknet_py.data.findings import Findings, FirstError
from darknet_py.data.formats.box_units import LABEL_UNITS, BoxUnits
from darknet_py.data.formats.darknet.data_yaml import read_data_yaml
from darknet_py.data.formats.darknet.image_lists import ACCEPTED, LabelFileDataset
from darknet_py.data.formats.darknet.names_files import names_file, read_class_names
from darknet_py.data.formats.darknet.yolo_layouts import YoloLayout, find_yolo, images_of
from darknet_py.data.formats.splits import choose
from darknet_py.data.images.listing import ImageListing, no_image_message
from darknet_py.errors import DataError, quoted

EXPECTED = "images/train and labels/train (or train/images, or train), and the same for val"


class YoloFolder(LabelFileDataset):
    """One split of a YOLO folder; image ids count the files in the order of their names.

    Args:
        place: a folder that holds images, labels and names, or a `data.yaml`.
        split: "train", "val" or "test"; "train" of a folder without splits is all of it.

    Raises: DataError: when something is missing, or a label cannot be understood.
    """

    box_units = LABEL_UNITS

    def __init__(self, place: Path, *, split: str, units: BoxUnits | None = None) -> None:
        """List the images, and read all label files."""
        layout, report = find_yolo(place) or YoloLayout(place, {}), FirstError(accepted=ACCEPTED)
        expected = "; ".join((EXPECTED, *layout.notes))
        chosen = choose(layout.splits, split, where=place, expected=expected)
        names = layout_names(layout, report, described=place.is_file())
        listed, others = images_of(layout, chosen, report)
        if not listed:
            raise DataError(no_image_message(others), where=chosen.sources[0])
        super().__init__(names, listed, chosen.sources[0], units=units)
        self.dropped |= ImageListing([], others).unread
        if chosen.instead_of:
            self.adjusted = Counter(self.adjusted) + Counter({chosen.instead_of: len(listed)})

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is a YAML file, or a folder that has images and labels, and no annotations of COCO's."""
        return find_yolo(Path(spec)) is not None

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> YoloFolder:
        """Open a folder."""
        return cls(Path(spec), split=split)

    @classmethod
    def in_units(cls, spec: str, *, split: str, units: BoxUnits) -> YoloFolder:
        """Open it with boxes in other units than the format's."""
        return cls(Path(spec), split=split, units=units)

    @classmethod
    def splits(cls, spec: str) -> tuple[str, ...]:
        """The splits that a folder has."""
        layout = find_yolo(Path(spec))
        return tuple(layout.splits) if layout else ()


def layout_names(layout: YoloLayout, findings: Findings, *, described: bool) -> list[str]:
    """Read the class names.

    Args:
        described: the `data.yaml` was named, so that its names count; else another file may have them.

    Raises: DataError: when no file has them, or two have different ones.
    """
    if layout.yaml and described and layout.yaml.names_classes:
        return read_class_names(layout.yaml.file, findings)
    file = names_file(layout.root, layout.sources)
    names = read_class_names(file, findings)
    if layout.yaml and file != layout.yaml.file:
        read_data_yaml(layout.yaml.file, findings)  # reports what is not understood
    other = layout.yaml.names(Findings()) if layout.yaml and "names" in layout.yaml.values else names
    if other != names:
        yaml = quoted(layout.yaml.file if layout.yaml else "")
        raise DataError(
            f"{file.name} and data.yaml name different classes: "
            f"{quoted(', '.join(names))} and {quoted(', '.join(other))}",
            where=layout.root,
            hint=f"--data {yaml} reads the latter; or remove one of the files",
        )
    return names
