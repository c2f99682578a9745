"""Categories of a COCO file that are no classes."""

from __future__ import annotations

from typing import Any

from darknet_py.data.formats.coco.json_tables import JsonTables


def unused_parent(tables: JsonTables) -> int | None:
    """The id of the category that is the parent of all others and of no annotation, as Roboflow exports one.

    `{"id": 0, "name": "cells", "supercategory": "none"}` names the project; each class has
    `"supercategory": "cells"`.
    """
    rows = [row for row in tables.rows.get("categories", ()) if type(row) is dict]
    parents = {row.get("supercategory") for row in rows if _is_text(row.get("supercategory"))}
    roots = [row for row in rows if row.get("supercategory") == "none" and _is_text(row.get("name"))]
    if len(rows) < 2 or len(roots) != 1 or parents != {"none", roots[0]["name"]}:
        return None
    identity = roots[0].get("id")
    used = any(_category(row) == identity for row in tables.rows.get("annotations", ()))
    return identity if type(identity) is int and not used else None


def _category(row: Any) -> object:
    return row.get("category_id") if type(row) is dict else None


def _is_text(value: object) -> bool:
    return type(value) is str
