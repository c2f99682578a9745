"""A data set divided in train and val: copies of one picture stay together, classes are in proportion."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from darknet_py.data.class_matching import ClassList
from darknet_py.data.class_order import in_order
from darknet_py.data.dataset import SPLITS
from darknet_py.data.formats.darknet.image_lists import LabelFileDataset
from darknet_py.data.tools.convert import Converted, open_sources, write_layout
from darknet_py.data.tools.grouping import group_images
from darknet_py.data.tools.part import ImageFiles, Part, PartImage
from darknet_py.data.tools.stratify import stratify
from darknet_py.errors import UsageError, quoted
from darknet_py.files.atomic_dir import require_free

_COUNT = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_SHARE = re.compile(r"(\d{1,2}(?:\.\d*)?|\.\d+)%|(0?\.\d+)", re.ASCII)


@dataclass(frozen=True)
class Split:
    """What was divided.

    Args:
        written: the new data set.
        layout: in which it was written.
        joined: images of each split of the source.
        groups: how many groups of more than one image stayed together, and images in them.
        repeated: images that were listed twice.
        boxes: of each class in train and in val, by its name.
    """

    written: Converted
    layout: str
    joined: dict[str, int]
    groups: tuple[int, int]
    repeated: int
    boxes: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class SplitRequest:
    """How a data set is divided.

    Args:
        val: how much of it is val: `20%`, `0.2`, or a number of images.
        seed: of the choice between equals.
        group: a regular expression, see `group_images`.
        to: the layout, "coco" or "darknet"; by default that of the source, and COCO's for VOC.
        copy: whether images are copied; by default they are links.
    """

    val: str
    seed: int = 0
    group: str = ""
    to: str = ""
    copy: bool = False


def split_data(spec: str, out: Path, request: SplitRequest) -> Split:
    """Write a data set with train and val from all images of another one, whose files stay as they are.

    Args:
        spec: what `--data` takes, with boxes, or a VOC folder.
        out: a folder that is not there, or is empty.

    Raises: DataError, UsageError: when the source or `out` cannot be used; nothing is written then.
    """
    require_free(out)
    sources = {split: data for split, data in open_sources(spec).items() if split in SPLITS}
    like = sources["train"]
    if "val" in sources:
        names = ClassList(like.names, "train")
        sources["val"] = in_order(sources["val"], names, source="val", hint="both need the same classes")
    images, repeated = _pool(list(sources.values()))
    groups = group_images([image.source.path(image.index) for image in images], request.group)
    if len(groups) < 2:
        raise UsageError(
            f"all {len(images)} images are copies of one: there is nothing to divide", where=spec
        )
    parts = _divided(like, images, groups, request)
    for data in sources.values():
        parts["train"].dropped = dict(Counter(parts["train"].dropped) + Counter(data.dropped))
        parts["train"].adjusted = Counter(parts["train"].adjusted) + Counter(data.adjusted)
    layout = request.to or ("darknet" if isinstance(like, LabelFileDataset) else "coco")
    larger = [len(group) for group in groups if len(group) > 1]
    return Split(
        written=write_layout(parts, to=layout, out=out, copy=request.copy),
        layout=layout,
        joined={split: len(data) for split, data in sources.items()},
        groups=(len(larger), sum(larger)),
        repeated=repeated,
        boxes=_boxes(parts),
    )


def _divided(
    like: ImageFiles, images: list[PartImage], groups: list[list[int]], request: SplitRequest
) -> dict[str, Part]:
    """Choose the groups of val.

    Raises: UsageError: when a part would have no image.
    """
    wanted = images_wanted(request.val, len(images))
    counts, sizes = _classes_of(groups, images, len(like.names)), np.array([len(group) for group in groups])
    second = stratify(counts, sizes, wanted, seed=request.seed)
    in_val = {at for group, chosen in zip(groups, second, strict=True) if chosen for at in group}
    parts = {
        "train": Part(like, [image for at, image in enumerate(images) if at not in in_val]),
        "val": Part(like, [image for at, image in enumerate(images) if at in in_val]),
    }
    for split, part in parts.items():
        if not len(part):
            raise UsageError(f"--val {request.val}: {split} would have no image, for copies stay together")
    return parts


def images_wanted(text: str, total: int) -> int:
    """The number of images that `--val` asks for.

    >>> images_wanted("20%", 50), images_wanted("0.2", 50), images_wanted("7", 50)
    (10, 10, 7)

    Raises: UsageError: when it is no share and no number, or leaves a part without images.
    """
    share = _SHARE.fullmatch(text)
    if share:
        wanted = round(total * (float(share[1]) / 100 if share[1] else float(share[2])))
    elif _COUNT.fullmatch(text):
        wanted = int(text)
    else:
        hint = "expected a share such as 20% or 0.2, or a number of images such as 200"
        raise UsageError(f"--val {quoted(text)} is neither a share nor a number of images", hint=hint)
    if not 0 < wanted < total:
        message = f"--val {text} would be {wanted:,} of {total:,} images: a part would be empty"
        raise UsageError(message)
    return wanted


def _pool(sources: list[ImageFiles]) -> tuple[list[PartImage], int]:
    """All images, each once; and how many were listed again. Ids are the sources', unless two are equal."""
    found: dict[str, tuple[ImageFiles, int]] = {}
    total = 0
    for data in sources:
        for index in range(len(data)):
            found.setdefault(os.path.realpath(data.path(index)), (data, index))
        total += len(data)
    ids = [data.record(index).image_id for data, index in found.values()]
    if len(set(ids)) < len(ids):
        ids = list(range(1, len(ids) + 1))
    images = [
        PartImage(data, index, image_id) for (data, index), image_id in zip(found.values(), ids, strict=True)
    ]
    return images, total - len(images)


def _classes_of(groups: list[list[int]], images: list[PartImage], classes: int) -> np.ndarray:
    """How many images of each group have a box of each class, (G, K)."""
    counts = np.zeros((len(groups), classes), dtype=np.int64)
    for row, group in zip(counts, groups, strict=True):
        for at in group:
            row[np.unique(images[at].source.record(images[at].index).labels)] += 1
    return counts


def _boxes(parts: dict[str, Part]) -> dict[str, tuple[int, int]]:
    counts = {
        split: Counter(label for at in range(len(part)) for label in part.record(at).labels.tolist())
        for split, part in parts.items()
    }
    names = parts["train"].names
    return {name: (counts["train"][label], counts["val"][label]) for label, name in enumerate(names)}
