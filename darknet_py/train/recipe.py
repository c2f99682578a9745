"""Recipes: how a network is trained, as edits of its cfg; the record of a run stays its text.

`darknet` changes nothing: the cfg's own loss, schedule and augmentation. `modern` is for networks that find
boxes; it changes no classifier. Every key that it sets is printed and stored:

- exact gradients of CIoU and of cross entropies, several boxes for each truth (`losses/matched.py`);
- mosaics; a learning rate that falls by a cosine, after a linear warm-up;
- an average of the weights, which is what is scored and kept (Izmailov et al., "Averaging weights leads to
  wider optima", UAI 2018, arXiv:1803.05407);
- in a short training Adam with decoupled decay (Loshchilov and Hutter, "Decoupled weight decay
  regularization", ICLR 2019, arXiv:1711.05101); decay of weights alone, as in Darknet.

An edit of the user overrides the recipe.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import Edit, set_value
from darknet_py.data.dataset import Dataset
from darknet_py.data.images.channels import check_channels
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.yolo import Yolo
from darknet_py.lint.check import compile_checked
from darknet_py.runs.choices import RECIPES
from darknet_py.train.fit import BatchLimits, describe_changes, fit_to_data
from darknet_py.train.prefix.settings import check_start
from darknet_py.train.settings import Settings

MODERN, DARKNET = RECIPES
LEAST_UPDATES = {MODERN: 1000, DARKNET: 300}  # where an epoch is short the batch shrinks, see `fit.py`
SHORT = 10_000  # updates; in fewer Adam is faster
LEAST_BATCH = {MODERN: 8, DARKNET: 1}
ADAMS_RATE = {True: 0.001, False: 0.00001}  # of heads that are fresh, and of a network trained before
FLOOR = 0.02  # the last rate, as a share of the first
WARM_UP = 0.05  # of the updates, at most the cfg's own
AVERAGED_SHARE, MAX_AVERAGED = 0.03, 5000  # the average: over this share of the updates, and so many
RAMP, LONGEST_RAMP = 0.1, 2000  # of the updates in which it grows to that
STRETCH = "2"  # a centre may lie half a cell beyond its own, so that neighbours can predict a truth
HEAD = {
    "assigner": "simota",
    "iou_loss": "ciou",
    "iou_normalizer": "4",
    "obj_normalizer": "1",
    "cls_normalizer": "0.5",
}

Change = tuple[int, str, str]


def prepare_graph(
    document: Document, data: Dataset, settings: Settings, epochs: float | None, *, edits: Sequence[Edit]
) -> tuple[Graph, list[str]]:
    """The network of a cfg that is fitted to its data and recipe, and each key that was changed, as text.

    Args:
        data: to train on.
        edits: those of the user, which are in the document already.

    Raises:
        CfgError: when the cfg has errors.
        UsageError: when the network reads no images, or cannot be trained from a layer on.
    """
    limits = BatchLimits(LEAST_UPDATES[settings.recipe], LEAST_BATCH[settings.recipe], settings.processes)
    graph = compile_checked(document)
    check_channels(graph)
    fit = fit_to_data(graph, classes=len(data.names), images=len(data), epochs=epochs, limits=limits)
    if settings.weights and settings.source:
        fresh = not settings.source.carries_classes(settings.weights, settings.names, data.names)
    else:
        fresh = settings.weights is None or (settings.partial or math.inf) <= min(fit.heads, default=0)
    final = apply_recipe(fit, settings.recipe, kept=edits, fresh=fresh)
    if settings.prefix:
        check_start(final, settings)
        edited = final.document
        for change in settings.prefix.changes(final):
            edited = set_value(edited, *change)
        final = compile_checked(edited)
    return final, list(describe_changes(document, final.document))


def apply_recipe(graph: Graph, recipe: str, *, kept: Sequence[Edit] = (), fresh: bool) -> Graph:
    """The network with the recipe's keys.

    Args:
        graph: fitted to its data already.
        kept: edits of the user, which are not overridden.
        fresh: the heads start from random numbers, so that the meaning of their outputs may change.
    """
    if recipe == DARKNET or not graph.heads:
        return graph
    document = graph.document
    own = {(edit.position(document), edit.key) for edit in kept}
    for position, key, value in (*_of_net(graph, fresh=fresh), *_of_heads(graph, fresh=fresh)):
        if (position, key) not in own:
            document = set_value(document, position, key, value)
    return compile_checked(document)


def _of_net(graph: Graph, *, fresh: bool) -> Iterator[Change]:
    net = graph.net
    updates, rate = max(1, net.max_batches), net.learning_rate
    if updates < SHORT:
        rate = ADAMS_RATE[fresh]
        yield 0, "adam", "1"
        yield 0, "decoupled_decay", "1"
        yield 0, "learning_rate", f"{rate:g}"
        if not fresh:
            yield 0, "frozen_bn", "1"
    yield 0, "policy", "sgdr"
    yield 0, "sgdr_cycle", str(updates)
    yield 0, "learning_rate_min", f"{rate * FLOOR:.4g}"
    yield 0, "burn_in", str(min(net.burn_in or updates, round(WARM_UP * updates)))
    yield 0, "power", "1"
    back = min(MAX_AVERAGED, max(1.0, AVERAGED_SHARE * updates))
    yield 0, "ema_decay", f"{1 - 1 / (back + 1):.5g}"
    yield 0, "ema_ramp", str(max(1, min(LONGEST_RAMP, round(RAMP * updates))))
    yield 0, "mosaic", "1"


def _of_heads(graph: Graph, *, fresh: bool) -> Iterator[Change]:
    for index, head in zip(graph.heads, graph.head_layers, strict=True):
        if isinstance(head, Yolo):
            yield from ((index + 1, key, value) for key, value in HEAD.items())
            if fresh and not head.new_coords:
                yield index + 1, "scale_x_y", STRETCH
