"""What may happen to a training image of a detector, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darknet_py.layers.heads.head import Head
    from darknet_py.layers.net import Net


@dataclass(frozen=True)
class AugmentSettings:
    """The keys of `[net]` and of a head that augment images, under their names in the cfg."""

    jitter: float = 0.0
    resize: float = 1.0
    flip: bool = False
    hue: float = 0.0
    saturation: float = 1.0
    exposure: float = 1.0
    letter_box: bool = False
    max: int = 200
    mosaic: bool = False
    mosaic_bound: bool = False
    mixup: bool = False
    blur: int = 0
    gaussian_noise: int = 0

    @classmethod
    def of(cls, net: Net, head: Head) -> AugmentSettings:
        """Read them from `[net]` and the last head."""
        return cls(
            jitter=head.jitter,
            resize=head.resize,
            flip=net.flip,
            hue=net.hue,
            saturation=net.saturation,
            exposure=net.exposure,
            letter_box=net.letter_box,
            max=head.max,
            mosaic=net.mosaic,
            mosaic_bound=net.mosaic_bound,
            mixup=net.mixup == 1,
            blur=net.blur,
            gaussian_noise=net.gaussian_noise,
        )
