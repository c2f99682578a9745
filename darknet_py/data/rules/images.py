"""Rules on image files, and on their place in the splits."""

from __future__ import annotations

from darknet_py.data.rules.rule import DataRule

IMAGES: tuple[DataRule, ...] = (
    DataRule("image-missing", "error", "an image does not exist", "Correct the path, or remove the line."),
    DataRule(
        "image-case-differs",
        "warning",
        "an image is found under a name that differs in case or Unicode form",
        "The list comes from a system that ignores it. Rename the file, or correct the list.",
    ),
    DataRule(
        "image-not-listed",
        "warning",
        "images lie in the folder and are in no list",
        "They are not used.",
    ),
    DataRule("image-empty", "error", "an image has 0 bytes", "Fetch or export it again."),
    DataRule(
        "image-damaged",
        "error",
        "an image is truncated or cannot be decoded",
        "Fetch or export it again.",
    ),
    DataRule(
        "not-an-image",
        "error",
        "the content is of no format that is read",
        "JPEG, PNG, WebP, BMP, PPM, GIF, TIFF, JPEG 2000 and, with a Pillow that has it, AVIF are. A saved"
        " error page is the usual cause.",
    ),
    DataRule(
        "image-too-large",
        "error",
        "an image has more pixels than are decoded",
        "At most 64 million are. Scale it down.",
    ),
    DataRule("image-float", "error", "an image holds floating-point pixels", "Convert it to 8 or 16 bits."),
    DataRule(
        "wrong-extension",
        "warning",
        "the content is of another format than the name says",
        "It is read by its content. Other programs go by the name.",
    ),
    DataRule(
        "size-differs",
        "error",
        "the image has not the size that the annotation file says",
        "The boxes belong to another size or another EXIF orientation of this image.",
    ),
    DataRule(
        "exif-rotated",
        "warning",
        "an EXIF tag turns the image; boxes must be those of the upright one",
        "Programs that ignore the tag draw the boxes at the wrong place.",
    ),
    DataRule(
        "image-grey",
        "warning",
        "an image is grey, or black and white; it becomes RGB",
        "All three channels are equal.",
    ),
    DataRule(
        "image-palette",
        "warning",
        "an image has a palette; it becomes RGB",
        "It may be an annotation mask.",
    ),
    DataRule(
        "image-alpha",
        "warning",
        "an image has an alpha channel; it is left out",
        "Colours stay as they are, where the image is transparent too.",
    ),
    DataRule(
        "image-cmyk",
        "warning",
        "an image is CMYK; it becomes RGB without a colour profile",
        "Its colours may differ from those on a screen.",
    ),
    DataRule(
        "image-16-bit",
        "warning",
        "an image has 16 bits a channel; the upper 8 are read",
        "A sensor that uses the lower bits alone gives a black picture.",
    ),
    DataRule(
        "image-frames",
        "warning",
        "an image has several frames; the first is read",
        "Export the others as images of their own.",
    ),
    DataRule(
        "image-thin",
        "warning",
        "a side of the image is below 8 pixels, or 20 times the other",
        "Little of it is left in a square input.",
    ),
    DataRule("duplicate-image", "warning", "an image is listed twice", "It is trained on, or scored, twice."),
    DataRule("same-content", "warning", "two files of a split hold the same bytes", "They count twice."),
    DataRule(
        "split-leak",
        "warning",
        "an image is in train and in val",
        "Its score tells how well it was remembered. Remove it from one of the splits.",
    ),
)
