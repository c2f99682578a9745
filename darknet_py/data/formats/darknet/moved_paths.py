"""Paths of another folder or another machine, whose end is here."""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath


def end_inside(written: str, home: Path) -> Path | None:
    """The longest end of a path that exists in a folder; None where no end does.

    `data/obj_train_data/a.jpg`, as CVAT writes, is `obj_train_data/a.jpg` next to the list, and
    `/content/pets/images/train` may be `images/train`.
    """
    parts = [part for part in PureWindowsPath(written).parts if part not in (".", "..")]
    ends = (home.joinpath(*parts[at:]) for at in range(len(parts)) if not PureWindowsPath(parts[at]).anchor)
    return next((end for end in ends if os.path.exists(end)), None)
