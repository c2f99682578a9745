"""The errors of a detector: their kinds and costs, confusion, calibration, images, suspicious labels."""
