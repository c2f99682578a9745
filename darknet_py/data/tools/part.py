"""Some images of one data set or of several, as a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.formats.coco.folder import CocoFolder
from darknet_py.data.formats.darknet.image_lists import LabelFileDataset
from darknet_py.data.formats.voc.folder import VocFolder

ImageFiles = CocoFolder | LabelFileDataset | VocFolder  # data sets with boxes, whose images are files


@dataclass(frozen=True)
class PartImage:
    """An image of a part: its data set, its index there, and the id it has in the part."""

    source: ImageFiles
    index: int
    image_id: int


class Part(Dataset):
    """Some images, in the order given.

    Args:
        like: has the classes, which are those of all sources.
        images: which.
    """

    def __init__(self, like: Dataset, images: Sequence[PartImage]) -> None:
        self.names, self.category_ids, self.dropped = like.names, like.category_ids, {}
        self.images = images

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def record(self, index: int) -> Record:
        """Return the source's record under the id of this part."""
        image = self.images[index]
        return replace(image.source.record(image.index), image_id=image.image_id)

    def path(self, index: int) -> Path:
        """Return where an image is."""
        return self.images[index].source.path(self.images[index].index)

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image."""
        return self.images[index].source.pixels(self.images[index].index)
