"""Predictions to figures: COCO AP and classification accuracy."""
