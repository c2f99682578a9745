"""The rules of `data check` by code: how severe each is, and what it means.

An error stops a training, or loses a box. A warning is read, but perhaps not as expected.
"""

from __future__ import annotations

from typing import Any

from darknet_py.cfg.diagnostics import Severity
from darknet_py.cfg.rules import Rule

DataRule = Rule[Any, Any]  # reported by a reader or by a check under its code


def _rules(*rows: tuple[str, Severity, str]) -> dict[str, DataRule]:
    """Each row: code, severity, and the summary; after a semicolon, the consequence."""
    return {code: Rule(code, severity, summary) for code, severity, summary in rows}


FILES = _rules(
    ("missing-file", "error", "a file that the data set names does not exist"),
    ("missing-split", "error", "train or val is not there, or cannot be told from its likes"),
    ("not-a-file", "error", "a folder, a pipe or a device stands where a file is expected"),
    ("unreadable", "error", "the system does not let the file be read"),
    ("too-large", "error", "a text file is larger than any that is meant"),
    ("not-text", "error", "a text file has a NUL"),
    ("not-utf8", "error", "a text file is not UTF-8"),
    (
        "byte-order-mark",
        "warning",
        "a text file begins with a byte order mark; Darknet takes it for a character",
    ),
    ("carriage-returns", "warning", "lines end in CR LF; Darknet keeps the CR in paths and names"),
    ("folder-unreadable", "error", "a folder cannot be listed"),
    ("folder-loop", "warning", "a link leads back to a folder that holds it; it is not followed"),
    ("link-leaves-folder", "error", "an image is a link out of the image folder"),
    ("yaml-not-read", "warning", "a description in YAML is there; it is never read"),
)
JSON = _rules(
    ("not-json", "error", "the annotation file is no JSON"),
    ("json-nesting", "error", "the annotation file is nested too deeply"),
    ("json-top", "error", "the annotation file holds no object at the top"),
    ("json-duplicate-key", "error", "an object has a key twice"),
    ("json-constant", "error", "NaN or Infinity, which JSON does not have"),
    ("missing-table", "error", "`images`, `annotations` or `categories` is missing or no list"),
    ("missing-key", "error", "a row, or the .data file, lacks a key"),
    ("wrong-type", "error", "a value is of another type, such as an id that is text"),
    ("id-out-of-range", "error", "an id is negative, or does not fit into 64 bits"),
    ("duplicate-image-id", "error", "two images have one id"),
    ("duplicate-annotation-id", "error", "two annotations have one id"),
    ("duplicate-category-id", "error", "two categories have one id"),
    ("unknown-image", "error", "an annotation is for an image that is not there"),
    ("unknown-category", "error", "an annotation is of a category that is not there"),
    ("crowd-value", "error", "`iscrowd` is not 0 or 1"),
    ("area-negative", "error", "`area` is negative or not finite"),
    ("area-beyond-box", "warning", "`area` is larger than the box"),
    ("size-out-of-range", "error", "`width` or `height` is not 1 to 1000000"),
    ("bad-file-name", "error", "`file_name` leaves the image folder, or is not to be printed"),
    ("splits-differ", "error", "train and val have other classes"),
)
CLASSES = _rules(
    ("no-classes", "error", "no class is named"),
    ("blank-name", "error", "a class has a blank name"),
    ("unprintable-name", "error", "a class name has characters that are not to be printed"),
    ("duplicate-name", "error", "two classes have one name"),
    ("names-alike", "warning", "two class names differ in case or spaces alone"),
    ("names-count", "error", "the number of names is not that of `classes =`"),
    ("classes-value", "error", "`classes =` is not a whole number from 1 to 999999"),
    ("class-without-boxes", "warning", "a class has no box, or no image, to learn from"),
    ("class-unknown", "error", "val has a folder of a class that train has not"),
    ("label-in-path", "error", "the path of a classifier's image holds no label, or two"),
    ("stray-file", "warning", "a file among the classes is not read"),
)
BOXES = _rules(
    ("box-length", "error", "a box has not four numbers"),
    ("box-not-finite", "error", "a box has a number that is NaN or infinite"),
    ("box-negative-size", "error", "a box has a negative side"),
    ("box-without-size", "warning", "a box has a side of zero; it is left out"),
    ("box-outside", "error", "a box lies outside the image; it is left out"),
    ("box-crosses-edge", "warning", "a box reaches over the edge of the image"),
    ("box-tiny", "warning", "a side is below 1/1000 of the image; Darknet leaves the box out"),
    ("duplicate-box", "warning", "a box is given twice"),
    ("no-boxes", "warning", "a split has no box at all"),
)
LISTS = _rules(
    ("data-line", "error", "a line of the .data file is not `key = value`"),
    ("data-duplicate-key", "error", "a key of the .data file is given twice"),
    ("no-images", "error", "a split has no image"),
    ("path-backslash", "error", "an image is not found, for its path has backslashes"),
    ("path-spaces", "warning", "a path has spaces before or after it; Darknet keeps them"),
    (
        "path-relative",
        "warning",
        "images are found from where the .data file is; Darknet does not look there",
    ),
    (
        "path-in-two-places",
        "warning",
        "a path is there from the current folder and from that of the .data file",
    ),
    ("label-missing", "warning", "an image has no label file; it counts as empty"),
    ("labels-all-missing", "error", "no image has a label file"),
    ("label-in-two-places", "warning", "an image has other labels at pjreddie's place than at AlexeyAB's"),
    ("label-without-image", "warning", "label files are there for images that are in no list"),
    ("label-columns", "error", "a label has not five columns"),
    ("label-commas", "error", "a label has commas"),
    ("label-class", "error", "the class of a label is not a whole number"),
    ("label-class-range", "error", "the class of a label is beyond the names"),
    ("label-not-a-number", "error", "a column of a label is not a number"),
    ("label-out-of-range", "error", "a column of a label is not a fraction, 0 to 1"),
    ("label-pixels", "error", "the columns of a label are pixels, not fractions"),
)
IMAGES = _rules(
    ("image-missing", "error", "an image does not exist"),
    ("image-case-differs", "error", "an image does not exist, but one whose name differs in case"),
    ("image-not-listed", "warning", "images lie in the folder and are in no list"),
    ("image-empty", "error", "an image has 0 bytes"),
    ("image-damaged", "error", "an image is truncated or cannot be decoded"),
    ("not-an-image", "error", "the content is of no format that is read"),
    ("image-too-large", "error", "an image has more pixels than are decoded"),
    ("image-float", "error", "an image holds floating-point pixels"),
    ("wrong-extension", "warning", "the content is of another format than the name says"),
    ("size-differs", "error", "the image has not the size that the annotation file says"),
    ("exif-rotated", "warning", "an EXIF tag turns the image; boxes must be those of the upright one"),
    ("image-grey", "warning", "an image is grey, or black and white; it becomes RGB"),
    ("image-palette", "warning", "an image has a palette; it becomes RGB"),
    ("image-alpha", "warning", "an image has an alpha channel; it is left out"),
    ("image-cmyk", "warning", "an image is CMYK; it becomes RGB without a colour profile"),
    ("image-16-bit", "warning", "an image has 16 bits a channel; the upper 8 are read"),
    ("image-frames", "warning", "an image has several frames; the first is read"),
    ("image-thin", "warning", "a side of the image is below 8 pixels, or 20 times the other"),
    ("duplicate-image", "warning", "an image is listed twice"),
    ("same-content", "warning", "two files of a split hold the same bytes"),
    ("split-leak", "warning", "an image is in train and in val"),
)
RULES: dict[str, DataRule] = {**FILES, **JSON, **CLASSES, **BOXES, **LISTS, **IMAGES}
