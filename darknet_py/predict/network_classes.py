"""The classes of a network that was trained before, and data in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.data.formats.coco.names import COCO_NAMES
from darknet_py.errors import DataError, quoted

if TYPE_CHECKING:
    from darknet_py.data.class_matching import ClassList
    from darknet_py.data.class_order import DatasetT
    from darknet_py.graph.graph import Graph

ACCEPTED = ("unprintable-name", "blank-name", "duplicate-name")  # of a network that is trained already
RUN_WEIGHTS = ("best", "final", "final_ema")  # of a run's folder, where all have the classes of `net.names`


def names_file(neighbours: Sequence[Path]) -> Path | None:
    """Find the file of class names next to weights or a cfg: `a.names` next to `a.weights`.

    All weights of a run's folder also have its `net.names` and `final.names`.
    """
    for path in neighbours:
        of_run = ("net", "final") if path.stem in RUN_WEIGHTS else ()
        places = (path.with_name(f"{stem}.names") for stem in (path.stem, *of_run) if path.name)
        found = next((place for place in places if place.is_file()), None)
        if found:
            return found
    return None


def read_network_names(file: Path, classes: int | None = None) -> tuple[str, ...]:
    """Read the names of a network's classes, one a line.

    Args:
        classes: how many the network has, where that is known.

    Raises: DataError: when the file cannot be read, or has another number of names.
    """
    from darknet_py.data.findings import FirstError
    from darknet_py.data.formats.class_names import read_names

    names = tuple(read_names(file, FirstError(accepted=ACCEPTED)))
    if classes is not None and len(names) != classes:
        hint = "one name a line, in the order of the classes"
        raise DataError(f"has {len(names)} names; the network has {classes} classes", where=file, hint=hint)
    return names


def order_warning(given: Path | None, neighbours: Sequence[Path]) -> str:
    """Describe how a file of names that was asked for contradicts the one next to the weights, or nothing.

    Other names may be a translation; the same names in another order cannot both be right.
    """
    known = names_file(neighbours)
    if given is None or known is None:
        return ""
    from darknet_py.data.class_matching import labels_by_name, same_classes
    from darknet_py.data.findings import Findings
    from darknet_py.data.formats.class_names import read_names

    one, other = (read_names(file, Findings()) for file in (given, known))
    if one == other or not same_classes(other, one) or labels_by_name(other, one) == tuple(range(len(one))):
        return ""
    return f"warning: {quoted(given)} lists the classes in another order than {quoted(known)}, and is used"


def classes_of_graph(graph: Graph) -> int:
    """How many classes a detector or a classifier has; 0 of a network that is neither."""
    if graph.classifier is not None:
        return graph[graph.classifier].shape.floats
    return graph.head_layers[-1].classes if graph.heads else 0


def in_network_order(
    data: DatasetT, classes: int, *, source: str, names: Path | ClassList | None, hint: str = ""
) -> DatasetT:
    """Return data with the classes of a network in its order; see `class_order.in_order`.

    Args:
        classes: how many the network has.
        source: what the data are called in messages.
        names: the network's class names, or the file of them. Without, 80 classes are COCO's if those of the
            data are, as in `detect`; any others are matched by position.
        hint: what to do where they do not match.

    Raises: DataError: when the file cannot be used, or the data have boxes of another class.
    """
    from darknet_py.data.class_matching import ClassList, same_classes
    from darknet_py.data.class_order import in_order

    if names is not None:
        known = names
        if isinstance(names, Path):
            known = ClassList(read_network_names(names, classes), quoted(names))
        assert isinstance(known, ClassList)
        return in_order(data, known, source=source, own_spelling=True, hint=hint)
    if classes == len(COCO_NAMES) and same_classes(COCO_NAMES, data.names):
        return in_order(data, ClassList(COCO_NAMES, "COCO"), source=source, own_spelling=True)
    return data
