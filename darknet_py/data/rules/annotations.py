"""Rules on the annotation files of COCO."""

from __future__ import annotations

from darknet_py.data.rules.rule import DataRule

JSON: tuple[DataRule, ...] = (
    DataRule(
        "not-json",
        "error",
        "the annotation file is no JSON",
        "The message has the byte, the line and the column where it ends being JSON. A download that was "
        "cut off is the usual cause.",
    ),
    DataRule(
        "json-nesting",
        "error",
        "the annotation file is nested too deeply",
        "No annotation file is; it may be damaged, or made to exhaust memory.",
    ),
    DataRule(
        "json-top",
        "error",
        "the annotation file holds no object at the top",
        "It begins with `{` and has the lists `images`, `annotations` and `categories`. Files of results "
        "are lists.",
    ),
    DataRule(
        "json-duplicate-key",
        "error",
        "an object has a key twice",
        "Readers differ in which of the two they keep. Remove one.",
    ),
    DataRule(
        "json-constant",
        "error",
        "NaN or Infinity, which JSON does not have",
        "Python's `json` writes them unless `allow_nan=False`. Correct the value at its source.",
    ),
    DataRule(
        "missing-table",
        "error",
        "`images`, `annotations` or `categories` is missing or no list",
        "All three are needed; a split without boxes has an empty list of annotations.",
    ),
    DataRule(
        "missing-key",
        "error",
        "a row, or the .data file, lacks a key",
        "Images need id, file_name, width and height; annotations id, image_id, category_id and bbox; "
        "categories id and name. A `.data` file needs classes, train, valid and names.",
    ),
    DataRule(
        "wrong-type",
        "error",
        "a value is of another type, such as a name that is a number",
        "The message has what was found, and what was expected.",
    ),
    DataRule(
        "loose-value",
        "warning",
        'a whole number is written as 17.0, "17", true or null; it is read',
        "Other tools may refuse it. Reported once for each key, with the number of rows.",
    ),
    DataRule(
        "id-out-of-range",
        "error",
        "an id is negative, or does not fit into 64 bits",
        "pycocotools keeps ids as 64-bit integers.",
    ),
    DataRule(
        "duplicate-image-id",
        "error",
        "two images have one id",
        "Their annotations could not be assigned. Number the images anew.",
    ),
    DataRule(
        "duplicate-annotation-id",
        "warning",
        "two annotations have one id",
        "Both are read, and truths are numbered anew. Other tools on pycocotools would keep one of them.",
    ),
    DataRule(
        "annotation-id",
        "warning",
        "the id of an annotation is missing or no whole number of 0 or more",
        "It is not used: truths are numbered anew. Other tools may need it.",
    ),
    DataRule(
        "box-missing",
        "warning",
        "an annotation has polygons and no box; the box around them is read",
        "Other tools may need `bbox`; `darknet-py data convert --to coco` writes it.",
    ),
    DataRule(
        "duplicate-category-id",
        "error",
        "two categories have one id",
        "Their boxes could not be assigned.",
    ),
    DataRule(
        "unknown-image",
        "error",
        "an annotation is for an image that is not there",
        "Remove the annotation, or add the image to `images`.",
    ),
    DataRule(
        "unknown-category",
        "error",
        "an annotation is of a category that is not there",
        "Remove the annotation, or add the category.",
    ),
    DataRule("crowd-value", "error", "`iscrowd` is not 0 or 1", "A crowd (1) is ignored in scoring."),
    DataRule(
        "area-negative",
        "error",
        "`area` is negative or not finite",
        "It is the area of the segmentation in square pixels, and decides between small, medium and large.",
    ),
    DataRule(
        "area-missing",
        "warning",
        "`area` is 0, null or missing; that of the box is read",
        "It only decides between small, medium and large in scoring.",
    ),
    DataRule(
        "area-beyond-box",
        "warning",
        "`area` is larger than the box",
        "The area of a segmentation cannot be. Boxes or areas may belong to another size of the image.",
    ),
    DataRule(
        "size-out-of-range",
        "error",
        "`width` or `height` is not 1 to 1000000",
        "State the size of the upright image in pixels.",
    ),
    DataRule(
        "bad-file-name",
        "error",
        "`file_name` leaves the image folder, or cannot be printed",
        "It is a relative path with `/`, without `..`, below the folder of the split.",
    ),
    DataRule(
        "splits-differ",
        "error",
        "train and val have other classes",
        "Classes are matched by name, and val has boxes of one that train lacks, or two with one name. Give "
        "both files the same categories.",
    ),
    DataRule(
        "splits-by-name",
        "warning",
        "val has the classes of train with other ids, another order or spelling, or lacks some",
        "They are matched by name here, and by id in other programs. A class that val lacks is not scored.",
    ),
)
