"""The properties that figures are divided by, by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.errors import UsageError, quoted
from darknet_py.graph.graph import Graph
from darknet_py.scoring.slices.figures import Slice, StoredOutcomes, group_figures
from darknet_py.scoring.slices.grouping import (
    Grouping,
    by_aspect,
    by_crowding,
    by_image,
    by_position,
    by_share,
    by_size,
)
from darknet_py.scoring.slices.image_column import read_image_column
from darknet_py.scoring.tables import DetectionTable, TruthTable

Property = Callable[[TruthTable, DetectionTable], Grouping]

BOXES: dict[str, Property] = {"size": by_size, "aspect": by_aspect, "crowding": by_crowding}
OF_ALL = (*BOXES, "position")  # that every data set has
NAMES = (*OF_ALL, "field", "FILE.csv:COLUMN")


def records_by_id(dataset: Dataset) -> list[tuple[int, Record]]:
    """The images of a data set in the order of a truth's `image_ids`: position and record."""
    pairs = ((index, dataset.record(index)) for index in range(len(dataset)))
    return sorted(pairs, key=lambda pair: pair[1].image_id)


def property_of(name: str, dataset: Dataset, graph: Graph | None = None) -> Property:
    """A property by its name.

    Args:
        name: size, aspect, crowding, position, field, or FILE.csv:COLUMN.
        dataset: the data set that the truth is of.
        graph: the network, whose heads `field` is about.

    Raises: DarknetPyError: when there is no such property, or a file or the network that it needs is missing.
    """
    if name in BOXES:
        return BOXES[name]
    path, _, column = name.rpartition(":")
    if path.lower().endswith(".csv"):
        records = [record for _, record in records_by_id(dataset)]
        ids, files = [one.image_id for one in records], [one.name for one in records]
        return partial(_by_column, column, read_image_column(Path(path), column, ids, files))
    if name == "position":
        sizes = [(record.width, record.height) for _, record in records_by_id(dataset)]
        return partial(by_position, sizes=np.array(sizes, np.float64).reshape(-1, 2))
    if name != "field":
        raise UsageError(f"there is no property {quoted(name)}", hint=f"known are {', '.join(NAMES)}")
    if graph is None:
        raise UsageError("the property field is about a network's heads", hint="name the network: --cfg CFG")
    return partial(_by_field, graph, dataset)


def slices_of(
    truth: TruthTable, found: DetectionTable, dataset: Dataset, properties: Sequence[Property] = ()
) -> tuple[Slice, ...]:
    """Figures by size, aspect, crowding and position, and by further properties.

    Args:
        dataset: the data set that the truth is of.
    """
    stored = StoredOutcomes.of(truth, found)
    every = [property_of(name, dataset) for name in OF_ALL]
    groupings = [divide(truth, stored.found) for divide in (*every, *properties)]
    return tuple(Slice(one.title, tuple(group_figures(stored, one))) for one in groupings)


def _by_column(title: str, values: list[str | None], truth: TruthTable, found: DetectionTable) -> Grouping:
    return by_image(title, values, truth, found)


def _by_field(graph: Graph, dataset: Dataset, truth: TruthTable, found: DetectionTable) -> Grouping:
    from darknet_py.predict.letterbox import fit_for
    from darknet_py.scoring.slices.field import share_in_field

    fits = [fit_for(graph.net, (record.height, record.width)) for _, record in records_by_id(dataset)]
    shares = [share_in_field(graph, table, fits) for table in (truth, found)]
    return by_share("share in the receptive field", *shares)
