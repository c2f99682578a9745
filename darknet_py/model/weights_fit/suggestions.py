"""What a weights file probably is, where it does not fit a cfg: by arithmetic, confirmed by its values."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.graph.graph import Graph
from darknet_py.model.weights_fit.changes import changes
from darknet_py.model.weights_fit.file import WeightsFile
from darknet_py.model.weights_fit.parts import FileParts, first_difference, layers_of, total
from darknet_py.model.weights_fit.values import ENOUGH, Survey, survey

HEADERS = {16: "a version before 0.2", 20: "version 0.2 and later"}
WIDTHS = {2: "float16", 8: "float64"}  # bytes of a number
MOST = 3  # changes that a file fits: more would say nothing


def suggestions(graph: Graph, parts: FileParts, file: WeightsFile) -> list[str]:
    """What can be said of a file that does not have the floats of `parts`, the most certain first.

    Args:
        parts: the arrays of the cfg's network.
    """
    found, whole = survey(parts, file.values()), not (file.size - file.header) % 4
    layers = layers_of(parts, file.floats)
    if 0 < layers < len(graph) and found.fits and whole:
        return [f"it ends with layer {layers - 1}: --partial {layers} reads the first {layers} layers"]
    certain = [*_of_width(parts, file, found), *_of_header(parts, file, found)]
    likely = certain or (list(_of_changes(graph, parts, file)) if whole else [])
    return likely or list(_of_values(found, short=file.floats < total(parts)))


def _of_width(parts: FileParts, file: WeightsFile, found: Survey) -> Iterator[str]:
    """Numbers of another size than those of `.weights`."""
    for width, name in WIDTHS.items():
        as_float32 = found.fits and found.checked >= ENOUGH
        if file.size - file.header == width * total(parts) and not as_float32:
            yield f"it has as many numbers as the network in {name}; those of .weights are float32"


def _of_header(parts: FileParts, file: WeightsFile, found: Survey) -> Iterator[str]:
    """A header that is longer or shorter than its version says."""
    (other,) = HEADERS.keys() - {file.header}
    if file.size - other == 4 * total(parts):
        beyond = survey(parts, file.values(header=other))
        if beyond.fits and beyond.checked >= found.checked:
            yield (
                f"its size is that of a file with a header of {other} bytes, as {HEADERS[other]} has it; the "
                f"version that is written in it has one of {file.header}: the header is damaged"
            )


def _of_changes(graph: Graph, parts: FileParts, file: WeightsFile) -> Iterator[str]:
    """Another number of classes, anchors or channels."""
    values = file.values()
    fitting = [c for c in changes(graph, parts, file.floats) if survey(c.parts, values).fits][:MOST]
    if fitting:
        words = " or ".join(change.words for change in fitting)
        first = min(first_difference(parts, change.parts) for change in fitting)
        same = f"; the layers before layer {first} are the same: --partial {first}" if first else ""
        yield f"it fits the cfg with {words}{same}"


def _of_values(found: Survey, *, short: bool) -> Iterator[str]:
    """Where the values become those of another network, and the layers that fit by them.

    The last layer in place is not among those: its own weights may be more or fewer.
    """
    begins, fits = "it is of another network", ""
    if found.last > 0:
        fits = f"; the layers before layer {found.last} fit by their values: --partial {found.last}"
    if found.bad is not None:
        where = f", misaligned after layer {found.last}" if found.last >= 0 else ""
        yield f"{begins}{where}: the variances of layer {found.bad.layer} are none{fits}"
    elif fits and short:
        yield f"it is cut off, or of another network that begins like this one{fits}"
        yield "if it was downloaded, that was not finished: get it again, as by `darknet-py data fetch`"
    elif fits:
        yield f"{begins} that begins like this one{fits}"
