"""The check of a data set of any kind, from its name on the command line."""

from __future__ import annotations

import os
from pathlib import Path

from darknet_py.data.check.coco import check_coco
from darknet_py.data.check.findings import Findings
from darknet_py.data.check.folders import check_class_folders, check_yolo
from darknet_py.data.check.images import Progress, check_images
from darknet_py.data.check.lists import check_data_file
from darknet_py.data.dataset import SPLITS
from darknet_py.data.formats.cifar import Cifar10, is_cifar
from darknet_py.data.formats.labelled import is_class_folders
from darknet_py.data.formats.yolo_folder import is_yolo_folder
from darknet_py.errors import DataError, UsageError, quoted


def check(spec: str, *, progress: Progress = lambda done, total: None) -> Findings:
    """Find every damage of a data set, in both splits.

    Args:
        spec: a folder or a `.data` file, as `--data` takes it.
        progress: told how many images of how many were looked at.

    Raises: DataError: when it is no data set at all. UsageError: for scenes, which are no files.
    """
    findings = Findings()
    if spec == "scenes" or spec.startswith("scenes:"):
        raise UsageError("scenes are drawn on the spot; there are no files to check")
    path = Path(spec)
    if os.path.isdir(path):
        _folder(path, findings, progress)
    elif spec.endswith(".data"):
        check_images(check_data_file(path, findings), findings, progress)
    else:
        found = "a file" if os.path.exists(path) else "nothing of that name"
        raise DataError(f"`{quoted(spec)}` is not a data set: found {found}")
    return findings


def _folder(folder: Path, findings: Findings, progress: Progress) -> None:
    if is_cifar(folder):
        _cifar(folder, findings)
        return
    if is_yolo_folder(folder):
        listed = check_yolo(folder, findings)
    elif is_class_folders(folder):
        listed = check_class_folders(folder, findings)
    else:
        listed = check_coco(folder, findings)
    check_images(listed, findings, progress)


def _cifar(folder: Path, findings: Findings) -> None:
    for split in SPLITS:
        try:
            findings.images += len(Cifar10(folder, split=split))
        except DataError as error:
            findings.add("unreadable", f"{split}: {error.message}", Path(str(error.where)))
