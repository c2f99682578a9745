"""A folder in YOLO's layout: `images/train`, `labels/train`, the same for val, and a file of class names.

Also read is the other order, `train/images` and `train/labels`. The names stand in `classes.txt`,
`names.txt`, `obj.names`, or the one file that ends in `.names`, a line each; a description in YAML is not
read. The label files are Darknet's.
"""

from __future__ import annotations

from pathlib import Path

from darknet_py.data.dataset import SPLITS
from darknet_py.data.findings import FirstError
from darknet_py.data.formats.box_units import LABEL_UNITS, BoxUnits
from darknet_py.data.formats.class_names import read_names
from darknet_py.data.formats.darknet.image_lists import ACCEPTED, LabelFileDataset
from darknet_py.data.images.listing import list_images, no_image_message
from darknet_py.errors import DataError, MissingSplit, quoted

SPLIT_NAMES = {"train": ("train",), "val": ("val", "valid", "validation")}
NAMES_FILES = ("classes.txt", "names.txt", "obj.names")


class YoloFolder(LabelFileDataset):
    """One split of a YOLO folder; image ids count the files in the order of their names.

    Args:
        folder: that holds images, labels and names.
        split: "train" or "val".

    Raises: DataError: when something is missing, or a label cannot be understood.
    """

    box_units = LABEL_UNITS

    def __init__(self, folder: Path, *, split: str, units: BoxUnits | None = None) -> None:
        """List the images, and read all label files."""
        if split not in SPLITS:
            raise DataError(f"has no split `{quoted(split)}`; it has {' and '.join(SPLITS)}", where=folder)
        images = split_images(folder, split)
        if images is None:
            places = " or ".join(f"images/{name}" for name in SPLIT_NAMES[split])
            raise MissingSplit(f"has no split `{split}`: no folder {places}", where=folder)
        names = read_names(names_file(folder), FirstError(accepted=ACCEPTED))
        listing = list_images(images, inside=True)
        written = [path.relative_to(folder).as_posix() for path in listing.images]
        if not written:
            raise DataError(no_image_message(listing.others), where=images)
        super().__init__(names, [(name, folder / name) for name in written], images, units=units)
        self.dropped |= listing.unread

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether a folder has images and labels of train, and no annotations of COCO's."""
        folder = Path(spec)
        images = split_images(folder, "train")
        if images is None or any((folder / "annotations").glob("instances_*.json")):
            return False
        return (folder / images.relative_to(folder).as_posix().replace("images", "labels", 1)).is_dir()

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> YoloFolder:
        """Open a folder."""
        return cls(Path(spec), split=split)

    @classmethod
    def in_units(cls, spec: str, *, split: str, units: BoxUnits) -> YoloFolder:
        """Open it with boxes in other units than the format's."""
        return cls(Path(spec), split=split, units=units)


def split_images(folder: Path, split: str) -> Path | None:
    """Find the folder with the images of a split."""
    names = SPLIT_NAMES[split]
    places = (place for name in names for place in (folder / "images" / name, folder / name / "images"))
    return next((place for place in places if place.is_dir()), None)


def names_file(folder: Path) -> Path:
    """Find the file of class names.

    Raises: DataError: when there is none, or several that end in `.names`.
    """
    found = [folder / name for name in NAMES_FILES if (folder / name).is_file()] or sorted(
        folder.glob("*.names")
    )
    if len(found) == 1 or (found and found[0].name in NAMES_FILES):
        return found[0]
    names = ", ".join(path.name for path in found) or "none"
    raise DataError(
        f"one file of class names was expected, found {quoted(names)}",
        where=folder,
        hint=f"a line for each class in {', '.join(NAMES_FILES)} or *.names; YAML is not read",
    )
