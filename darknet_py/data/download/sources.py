"""What can be fetched: official addresses, with bytes and sha256 where they are known.

Sizes of weights follow from their cfgs. The digest of yolov3-tiny.weights was taken from the file; those of
COCO's archives, CIFAR-10's and of yolov3.weights are what many public projects record for them, all the same,
as their publishers give none. Where nobody's is at hand, it stays empty and the download says so.
COCO's server has no certificate for its name, hence `http:`; that is allowed only where a digest is known.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remote:
    """One file at its address.

    Args:
        size: in bytes, 0 where unknown.
        sha256: in hexadecimal, empty where unknown.
        gives: what an archive unpacks to; empty for a file that is used as it is.
    """

    address: str
    size: int = 0
    sha256: str = ""
    gives: str = ""

    @property
    def file(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class Source:
    """A name, what it is, its files, and the folder that archives are unpacked into."""

    name: str
    about: str
    files: tuple[Remote, ...]
    folder: str = ""


_COCO = "http://images.cocodataset.org"
_PJREDDIE = "https://pjreddie.com/media/files"
_ANNOTATIONS = Remote(
    f"{_COCO}/annotations/annotations_trainval2017.zip",
    size=252_907_541,
    sha256="113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
    gives="annotations",
)
_VAL = Remote(
    f"{_COCO}/zips/val2017.zip",
    size=815_585_330,
    sha256="4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
    gives="val2017",
)
_TRAIN = Remote(
    f"{_COCO}/zips/train2017.zip",
    size=19_336_861_798,
    sha256="69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
    gives="train2017",
)
SOURCES = {
    source.name: source
    for source in (
        Source(
            "coco2017",
            "COCO 2017: annotations, val and train images",
            (_ANNOTATIONS, _VAL, _TRAIN),
            "coco2017",
        ),
        Source("coco2017-val", "COCO 2017: annotations and val images", (_ANNOTATIONS, _VAL), "coco2017"),
        Source(
            "cifar10",
            "CIFAR-10, as Python's files",
            (
                Remote(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                    size=170_498_071,
                    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                    gives="cifar-10-batches-py",
                ),
            ),
            "cifar10",
        ),
        Source(
            "yolov3-tiny",
            "weights of yolov3-tiny.cfg",
            (
                Remote(
                    f"{_PJREDDIE}/yolov3-tiny.weights",
                    size=35_434_956,
                    sha256="dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
                ),
            ),
        ),
        Source(
            "yolov3",
            "weights of yolov3.cfg",
            (
                Remote(
                    f"{_PJREDDIE}/yolov3.weights",
                    size=248_007_048,
                    sha256="523e4e69e1d015393a1b0a441cef1d9c7659e3eb2d7e15f793f060a21b32f297",
                ),
            ),
        ),
        Source(
            "yolov3-spp",
            "weights of yolov3-spp.cfg",
            (Remote(f"{_PJREDDIE}/yolov3-spp.weights", size=252_209_544),),
        ),
        Source(
            "darknet53",
            "the backbone of yolov3.cfg, trained on ImageNet",
            (Remote(f"{_PJREDDIE}/darknet53.conv.74"),),
        ),
    )
}
