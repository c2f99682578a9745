"""Rules on class names, and on the labels of classifiers."""

from __future__ import annotations

from darknet_py.data.rules.rule import DataRule

CLASSES: tuple[DataRule, ...] = (
    DataRule("no-classes", "error", "no class is named", "There is nothing to learn."),
    DataRule(
        "blank-name",
        "error",
        "a class has a blank name",
        "A blank line of a names file is a class without a name to Darknet. Remove it, or name the class.",
    ),
    DataRule(
        "unprintable-name",
        "error",
        "a class name has characters that cannot be printed",
        "Terminal control characters among them. Names are printed with these escaped.",
    ),
    DataRule(
        "duplicate-name",
        "error",
        "two classes have one name",
        "Merge the classes, or name them apart.",
    ),
    DataRule(
        "names-alike",
        "warning",
        "two class names differ in case or spaces alone",
        "They are two classes; is one of them a typo?",
    ),
    DataRule(
        "names-count",
        "error",
        "the number of names is not that of `classes =`",
        "Labels beyond the names would have none.",
    ),
    DataRule(
        "classes-value",
        "error",
        "`classes =` is not a whole number from 1 to 999999",
        "Write the number of lines of the names file.",
    ),
    DataRule(
        "class-without-boxes",
        "warning",
        "a class has no box, or no image, to learn from",
        "Its AP will be 0. Remove the class, or add examples.",
    ),
    DataRule(
        "class-unknown",
        "error",
        "val has a folder of a class that train has not",
        "Classes are the folders of train.",
    ),
    DataRule(
        "label-in-path",
        "error",
        "the path of a classifier's image holds no label, or two",
        "The label is looked for anywhere in the path: `cat` also stands in `catfish`. Rename folders or "
        "labels.",
    ),
    DataRule(
        "stray-file",
        "warning",
        "a file among the classes is not read",
        "Only images in the folder of a class are.",
    ),
)
