"""A COCO results list of the images of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_NUMBERED = re.compile(r"(?:.*_)?(\d{1,15})", re.ASCII | re.DOTALL)


def image_ids(paths: Sequence[Path]) -> list[int] | list[str]:
    """What a results list calls each image: COCO's number, which its name ends with, or else its name.

    Names become ids only where all of them do, and to different ids; the reader would take `7.jpg` and
    `a_7.jpg` for one image.

    >>> image_ids([Path("val2014/COCO_val2014_000000000042.jpg"), Path("000000000139.jpg")])
    [42, 139]
    >>> image_ids([Path("000000000139.jpg"), Path("dog.jpg")])
    ['000000000139.jpg', 'dog.jpg']
    """
    numbers = [int(found[1]) for path in paths if (found := _NUMBERED.fullmatch(path.stem))]
    if len({*numbers}) == len(paths):
        return numbers
    names = [path.name for path in paths]
    return names if len({*names}) == len(names) else [str(path) for path in paths]
