"""What a person may choose about an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from darknet_py.errors import UsageError

ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2", "darknet": ".cfg"}
SIZES = ("auto", "dynamic", "fixed")


@dataclass(frozen=True)
class ExportSettings:
    """How a network is exported.

    Args:
        size: `auto` leaves the number of images free, and rows and columns where every layer allows it;
            `dynamic` refuses a network that does not; `fixed` is one image of the cfg's size.
        with_nms: the file gives detections: raw maps decoded, and NonMaxSuppression.
        threshold: lowest score of a detection of such a file, 0..1.
        nms: IoU above which it leaves out the weaker of two boxes of a class, 0..1.
        names: the file of class names; without, the one next to the weights or the cfg, or COCO's for 80.
        images: files, folders and lists of images that the export is tried with; without, scenes are drawn.

    Raises:
        UsageError: when a number is out of its range.
    """

    size: str = "auto"
    with_nms: bool = False
    threshold: float = 0.25
    nms: float = 0.45
    names: str | Path | None = None
    images: Sequence[str | Path] = ()

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, value in (("threshold", self.threshold), ("nms", self.nms)):
            if not 0 <= value <= 1:  # NaN too
                raise UsageError(f"{name} is {value}, and must lie in 0..1")
        if self.size not in SIZES:
            raise UsageError(f"size={self.size} is not known", hint=f"it is {', '.join(SIZES)}")


def form_of(target: Path, to: str) -> str:
    """The format of an export, from what was asked for and the ending of its file.

    Raises:
        UsageError: when they contradict each other, or neither says it.
    """
    endings = {ending: form for form, ending in ENDINGS.items()}
    known = ", ".join(f"{form} ({ending})" for form, ending in ENDINGS.items())
    if to and to not in ENDINGS:
        raise UsageError(f"{to} is no format to export to", hint=f"formats are {known}")
    found = endings.get(target.suffix.lower())
    if found is None:
        hint = f"files end in {ENDINGS[to]}" if to else f"formats are {known}"
        raise UsageError("its ending is not that of an exported file", where=target, hint=hint)
    if to and found != to:
        message = f"its ending is that of {found}, and {to} is asked for"
        raise UsageError(message, where=target, hint=f"files of {to} end in {ENDINGS[to]}")
    return found
