"""The rules of `data check`: by code, and in the groups in which documents list them.

An error stops a training, or loses a box. A warning is read, but perhaps not as expected.
"""

from __future__ import annotations

from darknet_py.data.rules.annotations import JSON
from darknet_py.data.rules.boxes import BOXES
from darknet_py.data.rules.classes import CLASSES
from darknet_py.data.rules.files import FILES
from darknet_py.data.rules.images import IMAGES
from darknet_py.data.rules.lists import LISTS
from darknet_py.data.rules.rule import DataRule
from darknet_py.data.rules.voc import XML

GROUPS: dict[str, tuple[DataRule, ...]] = {
    "Files": FILES,
    "Annotation files of COCO": JSON,
    "Annotation files of Pascal VOC": XML,
    "Classes": CLASSES,
    "Boxes": BOXES,
    "Darknet's lists and labels": LISTS,
    "Images": IMAGES,
}
RULES: dict[str, DataRule] = {rule.code: rule for rules in GROUPS.values() for rule in rules}
