"""Tools on data sets: anchors and conversion."""
