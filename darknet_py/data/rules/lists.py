"""Rules on Darknet's `.data` files, lists and label files."""

from __future__ import annotations

from darknet_py.data.rules.rule import DataRule

LISTS: tuple[DataRule, ...] = (
    DataRule(
        "data-line",
        "error",
        "a line of the .data file is not `key = value`",
        "Comments begin with `#` or `;`.",
    ),
    DataRule(
        "data-duplicate-key",
        "error",
        "a key of the .data file is given twice",
        "Readers differ in which of the two they use. Remove one.",
    ),
    DataRule("no-images", "error", "a split has no image", "A list names one image a line."),
    DataRule(
        "path-backslash",
        "warning",
        "the path of an image has backslashes; it is found without them",
        "Write paths with `/`, which Windows understands too.",
    ),
    DataRule(
        "path-elsewhere",
        "warning",
        "the path of an image is that of another machine or folder; the image is found by its end",
        "Other programs do not find it. Write the path at which it is.",
    ),
    DataRule(
        "path-spaces",
        "warning",
        "a path has spaces before or after it; Darknet keeps them",
        "They are removed here.",
    ),
    DataRule(
        "path-relative",
        "warning",
        "paths are relative to the .data file; Darknet does not look there",
        "Darknet looks from the current folder alone. Write absolute paths, or start it from there.",
    ),
    DataRule(
        "path-in-two-places",
        "warning",
        "a path exists from the current folder and from that of the .data file",
        "The first is read. Write an absolute path to be sure.",
    ),
    DataRule(
        "label-missing",
        "warning",
        "an image has no label file; it counts as empty",
        "For an image without objects, an empty file says so.",
    ),
    DataRule(
        "labels-all-missing",
        "error",
        "no image has a label file",
        "The message names where the first was looked for: in the folder of the image, or where `images` in"
        " its path becomes `labels`.",
    ),
    DataRule(
        "label-in-two-places",
        "warning",
        "an image has other labels at pjreddie's place than at AlexeyAB's",
        "AlexeyAB's is read. Remove the stale one.",
    ),
    DataRule(
        "label-without-image",
        "warning",
        "label files are there for images that are in no list",
        "Add the images to a list, or remove the files.",
    ),
    DataRule(
        "label-columns",
        "error",
        "a label has not five columns",
        "They are class, x and y of the centre, width and height; or class and the points of a polygon.",
    ),
    DataRule(
        "label-polygon",
        "warning",
        "a label is a polygon or an oriented box; the box around it is read",
        "Darknet would stop reading the file there. `darknet-py data convert --to darknet` writes boxes.",
    ),
    DataRule(
        "label-keypoints",
        "warning",
        "a label has key points after its box; the box is read",
        "Darknet would stop reading the file there. `darknet-py data convert --to darknet` writes boxes.",
    ),
    DataRule(
        "label-class-float",
        "warning",
        "the class of a label is written as 1.0; it is read",
        "Darknet would read the columns after it wrongly. `darknet-py data convert --to darknet` mends it.",
    ),
    DataRule(
        "label-commas",
        "error",
        "a label has commas",
        "Columns are separated by spaces, decimals by a point.",
    ),
    DataRule(
        "label-class",
        "error",
        "the class of a label is not a whole number",
        "It is the number of the line in the names file, from 0.",
    ),
    DataRule(
        "label-class-range",
        "error",
        "the class of a label is beyond the names",
        "Classes count from 0. Numbers that begin with 1 are the usual cause.",
    ),
    DataRule(
        "label-not-a-number",
        "error",
        "a column of a label is not a number",
        "Darknet would stop reading the file there.",
    ),
    DataRule(
        "label-out-of-range",
        "error",
        "a column of a label is not a fraction, 0 to 1",
        "Columns are fractions of the image's width and height.",
    ),
    DataRule(
        "label-pixels",
        "error",
        "the columns of a label are pixels, not fractions",
        "Divide by the width and height of the image; `darknet-py data convert` does so from COCO's layout.",
    ),
)
