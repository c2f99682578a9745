"""Which label file belongs to which image of a split, and which label files belong to none."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from darknet_py.data.formats.darknet.label_files import label_paths, looks_like_labels
from darknet_py.data.images.listing import is_hidden
from darknet_py.data.images.locate import FolderNames
from darknet_py.errors import DataError, quoted

WITHOUT_IMAGE = "label file without an image"
SIMILAR_LABELS = "label file that differs from its image in case or Unicode form"


class LabelLookup:
    """Finds the label file of each image; folders are listed only where one is not at its place."""

    def __init__(self) -> None:
        self._names = FolderNames()
        self._images: dict[str, Path] = {}  # the first image of each label file
        self._used: dict[str, set[str]] = {}  # names of label files by their folder
        self._homes: dict[str, set[str]] = {}  # folders of images by the folder of their labels
        self._shared: list[tuple[Path, Path]] = []
        self._similar = 0

    def find(self, written: str, path: Path) -> Path | None:
        """Find the label file of an image, also under a name that differs in case or Unicode form.

        Args:
            written: the path as the list has it.
            path: where the image was found.

        Raises: DataError: when two files fit equally well.
        """
        places = label_paths(written, path)
        file = next(filter(os.path.isfile, places), "") or self._similar_name(places, path)
        if not file:
            return None
        first = self._images.setdefault(file, path)
        if first is not path and first != path:
            self._shared.append((first, path))
        folder, name = os.path.split(file)
        self._used.setdefault(folder, set()).add(name)
        self._homes.setdefault(folder, set()).add(os.path.dirname(path))
        return Path(file)

    @property
    def adjusted(self) -> Counter[str]:
        """Count the images that share a label file, and the label files whose names differ."""
        counts = Counter({SIMILAR_LABELS: self._similar})
        if self._shared:
            both = " and ".join(f"`{quoted(path.name)}`" for path in self._shared[0])
            counts[f"two images with one label file, such as {both}"] = len(self._shared)
        return +counts

    def left_out(self) -> Counter[str]:
        """Count the label files next to those found for which there is no image."""
        return +Counter({WITHOUT_IMAGE: sum(map(self._orphans, self._homes))})

    def _similar_name(self, places: list[str], image: Path) -> str:
        """A label file whose name differs in case or Unicode form, unless it is that of another image."""
        similar = (file for place in places for file in self._names.similar(Path(place)))
        found = [file for file in dict.fromkeys(similar) if file.is_file()]
        free = [file for file in found if not image.with_name(f"{file.stem}{image.suffix}").is_file()]
        if len(free) > 1:
            both = " and ".join(f"`{quoted(file)}`" for file in free[:2])
            raise DataError(f"may have its labels in {both}", where=image, hint="remove the wrong one")
        self._similar += len(free)
        return str(free[0]) if free else ""

    def _orphans(self, folder: str) -> int:
        unused = set(os.listdir(folder or ".")) - self._used[folder]
        left = [name for name in unused if name.endswith(".txt") and not is_hidden(name)]
        if not left:
            return 0
        names = (name for home in self._homes[folder] for name in os.listdir(home or "."))
        stems = {os.path.splitext(name)[0] for name in names if not name.endswith(".txt")}
        alone = (name for name in left if os.path.splitext(name)[0] not in stems)
        return sum(looks_like_labels(Path(folder, name)) for name in alone)
