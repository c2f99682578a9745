"""Rules on boxes, of any format."""

from __future__ import annotations

from darknet_py.data.rules.rule import DataRule

BOXES: tuple[DataRule, ...] = (
    DataRule(
        "box-units",
        "error",
        "the boxes of a file are in other units, such as fractions or two corners",
        "Judged over all boxes: those units put every box into its image, and the format's do not. "
        "`darknet-py data convert --boxes` reads them.",
    ),
    DataRule(
        "box-units-likely",
        "warning",
        "the boxes of a file may be in other units",
        "Too few boxes show it to be sure; they are read as the format has them. Draw some: "
        "`darknet-py train --show-batches`.",
    ),
    DataRule(
        "box-length",
        "error",
        "a box has not four numbers",
        "COCO's are x and y of the upper left corner, width and height.",
    ),
    DataRule(
        "box-not-finite",
        "error",
        "a box has a number that is NaN or infinite",
        "Correct it at its source; a loss would become NaN.",
    ),
    DataRule(
        "box-negative-size",
        "error",
        "a box has a negative side",
        "The corners may be exchanged, or the numbers be two corners.",
    ),
    DataRule(
        "box-without-size",
        "warning",
        "a box has a side of zero; it is left out",
        "COCO's train2017 has two of these.",
    ),
    DataRule(
        "box-outside",
        "error",
        "a box lies outside the image; it is left out",
        "Boxes may belong to another image, another size, or another orientation of it. In label files, "
        "whose image is not opened, such a box is kept.",
    ),
    DataRule(
        "box-crosses-edge",
        "warning",
        "a box reaches over the edge of the image",
        "By more than a pixel (in label files 0.2 %). It is kept as it is; augmentation cuts it.",
    ),
    DataRule(
        "box-tiny",
        "warning",
        "a side is below 1/1000 of the image; Darknet leaves the box out",
        "It cannot be learnt at any usual size of the input.",
    ),
    DataRule(
        "duplicate-box",
        "warning",
        "a box is given twice",
        "Of COCO's both are kept, of a label file one.",
    ),
    DataRule(
        "no-boxes",
        "warning",
        "a split has no box at all",
        "There is nothing to learn from, or nothing to score.",
    ),
)
