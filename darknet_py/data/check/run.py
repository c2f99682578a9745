"""The check of a data set of any kind, from its name on the command line."""

from __future__ import annotations

from pathlib import Path

from darknet_py.data.check.coco import check_coco
from darknet_py.data.check.folders import check_class_folders, check_yolo
from darknet_py.data.check.images import check_images
from darknet_py.data.check.listed import ListedImage
from darknet_py.data.check.lists import check_data_file
from darknet_py.data.check.voc import check_voc
from darknet_py.data.dataset import SPLITS
from darknet_py.data.findings import Findings
from darknet_py.data.formats.labelled.cifar import Cifar10
from darknet_py.data.formats.registry import format_of
from darknet_py.errors import DataError, UsageError
from darknet_py.progress import Progress, no_progress


def check(spec: str, *, progress: Progress = no_progress) -> Findings:
    """Find every damage of a data set, in both splits.

    Args:
        spec: a folder or a `.data` file, as `--data` takes it.
        progress: called after each image.

    Raises: DataError: when it is no data set at all. UsageError: for scenes, which are no files.
    """
    findings = Findings()
    known = format_of(spec)
    if known.name not in CHECKS:
        raise UsageError("scenes are drawn on the spot; there are no files to check")
    check_images(CHECKS[known.name](Path(spec), findings), findings, progress)
    return findings


def _cifar(folder: Path, findings: Findings) -> list[ListedImage]:
    for split in SPLITS:
        try:
            findings.images += len(Cifar10(folder, split=split))
        except DataError as error:
            findings.add("unreadable", f"{split}: {error.message}", Path(str(error.where)))
    return []


CHECKS = {
    "cifar": _cifar,
    "yolo": check_yolo,
    "voc": check_voc,
    "classes": check_class_folders,
    "coco": check_coco,
    "classifier": check_data_file,
    "darknet": check_data_file,
}
