"""Rules on files and folders."""

from __future__ import annotations

from darknet_py.data.rules.rule import DataRule

FILES: tuple[DataRule, ...] = (
    DataRule(
        "missing-file",
        "error",
        "a file that the data set names does not exist",
        "Paths are looked up from the current folder, then from the folder of the `.data` file. Correct the"
        " path, or restore the file.",
    ),
    DataRule(
        "missing-split",
        "error",
        "train or val is missing, or several files could be it",
        "Both splits are needed. The message names what was looked for. `darknet-py data split` divides data "
        "without val.",
    ),
    DataRule(
        "not-a-file",
        "error",
        "a folder, a pipe or a device stands where a file is expected",
        "Replace it by a regular file.",
    ),
    DataRule(
        "unreadable",
        "error",
        "the system does not let the file be read",
        "Check its permissions and the disk.",
    ),
    DataRule(
        "too-large",
        "error",
        "a text file is larger than any that is meant",
        "Lists, names and labels have at most 64 MiB, annotation files 2 GiB. Check whether it is the right"
        " file.",
    ),
    DataRule("not-text", "error", "a text file has a NUL", "It is binary, or UTF-16. Save it as UTF-8."),
    DataRule(
        "not-utf8",
        "error",
        "a text file is not UTF-8",
        "Convert it, with `iconv -f latin1 -t utf-8` for example.",
    ),
    DataRule(
        "byte-order-mark",
        "warning",
        "a text file begins with a byte order mark; Darknet takes it for a character",
        "It is skipped here. Save the file as UTF-8 without a mark if Darknet is to read it too.",
    ),
    DataRule(
        "carriage-returns",
        "warning",
        "lines end in CR LF; Darknet keeps the CR in paths and names",
        "The CR is removed here. Convert the file with `dos2unix` if Darknet is to read it too.",
    ),
    DataRule("folder-unreadable", "error", "a folder cannot be listed", "Check its permissions."),
    DataRule(
        "folder-loop",
        "warning",
        "a link leads back to a folder that holds it; it is not followed",
        "Remove the link.",
    ),
    DataRule(
        "link-leaves-folder",
        "error",
        "an image is a link out of the image folder",
        "An annotation file from elsewhere could name any file of the machine this way. Copy the image, or "
        "link the complete folder.",
    ),
    DataRule(
        "yaml-not-read",
        "warning",
        "a description in YAML is there; the class names come from another file",
        "Class names come from `classes.txt`, `names.txt` or a file that ends in `.names`, if there is one. "
        "`--data data.yaml` reads names and paths from the YAML file.",
    ),
    DataRule(
        "data-yaml",
        "error",
        "`data.yaml` has something that is not read",
        "Read are `names`, `nc`, `path`, `train`, `val` and `test`, as text, a list or a numbered mapping. "
        "Anchors, aliases, tags and nested lists are not.",
    ),
    DataRule(
        "not-divided",
        "warning",
        "the data set is not divided into train and val",
        "`darknet-py data split` divides it. `train` needs both; `eval` takes all of it.",
    ),
)
