"""Batches to weights: Darknet's loss, schedule and augmentation."""
