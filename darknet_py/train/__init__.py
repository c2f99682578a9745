"""Batches to weights: Darknet's loss, schedule and augmentation."""

from darknet_py.train.replay import Replay, replay

__all__ = ["Replay", "replay"]
