"""The files of a finished run: class names, predictions, and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darknet_py.files.atomic import publish_bytes
from darknet_py.runs.log import write_json


def publish_result(
    folder: Path, result: Mapping[str, Any], *, names: Sequence[str], predictions: Mapping[str, Any]
) -> None:
    """Write the files of a finished run, `result.json` last: where it is, the run is complete.

    Args:
        names: of the classes.
        predictions: files of their own by name: JSON values, or bytes.
    """
    publish_names(folder / "final.names", names)
    for name, value in predictions.items():
        if isinstance(value, bytes):
            publish_bytes(folder / name, value)
        else:
            write_json(folder / name, value)
    write_json(folder / "result.json", result)


def publish_names(file: Path, names: Sequence[str]) -> None:
    """Write class names, a line each; those that are names of folders may have bytes that are not UTF-8."""
    publish_bytes(file, "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))
