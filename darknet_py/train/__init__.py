"""Batches to weights: Darknet's loss, schedule and augmentation.

The package can be called: `darknet_py.train("yolov3-tiny", "scenes", "runs/one")` trains, see `train.api`.
"""

from typing import TYPE_CHECKING

from darknet_py.callable_package import make_callable

if TYPE_CHECKING:
    from darknet_py.train.replaying import Replay as Replay
    from darknet_py.train.replaying import replay as replay
    from darknet_py.train.settings import Settings as Settings

__all__ = ["Replay", "replay"]

make_callable(
    __name__,
    "darknet_py.train.api:train",
    lazy={
        "Replay": "darknet_py.train.replaying",
        "replay": "darknet_py.train.replaying",
        "Settings": "darknet_py.train.settings",
    },
)
