"""Annotation files of Pascal VOC, an XML file an image."""
