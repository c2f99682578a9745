"""The weights that a run starts from: random, of a file, or carried over from another cfg."""

from __future__ import annotations

import json

from darknet_py.errors import UsageError
from darknet_py.files.atomic import publish_bytes
from darknet_py.model.adapt.api import Adaptation, adapt_into
from darknet_py.model.adapt.ledger import AdaptLedger
from darknet_py.model.adapt.paired_start import initialise_like
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights
from darknet_py.runs.checkpoints import has_run
from darknet_py.runs.folders import RunFolder
from darknet_py.train.settings import TrainingPlan


def load_first_weights(network: Network, plan: TrainingPlan, *, first: bool) -> None:
    """Fill the network of a plan.

    Args:
        first: whether this process writes; what became of carried weights is then in the run's folder.

    Raises:
        UsageError: when statistics are to be kept and there are no weights, or a layer would be a guess.
        DataError: when class names cannot be read.
        WeightsError: when the weights cannot be read.
    """
    settings = plan.settings
    initialise_like(network, plan.like, seed=plan.seed)
    if settings.weights is None:
        if plan.graph.net.frozen_bn:
            raise UsageError("frozen_bn=1 keeps the statistics of --weights, and there are none")
    elif settings.source is None:
        load_weights(network, settings.weights, partial=settings.partial)
    else:
        source, folder = settings.source, RunFolder(plan.out)
        options = Adaptation(
            start=source.start,
            pins=source.pins,
            classes=source.classes(settings.weights, settings.names, plan.train.names),
            seed=plan.seed,
            like=plan.like,
            verify=(write := first and not has_run(plan.out))
            and source.verify,  # a resumed run has its ledger
        )
        ledger = adapt_into(network, settings.weights, source.graph, options)
        if settings.prefix:
            _check_carried(ledger, network, settings.prefix.layer)
        if write:
            publish_bytes(folder.carried_text, "".join(f"{line}\n" for line in ledger.lines()).encode())
            publish_bytes(folder.carried, json.dumps(ledger.json(), indent=1, allow_nan=False).encode())


def _check_carried(ledger: AdaptLedger, network: Network, layer: int) -> None:
    """Check that the layers before a layer have the weights of the file, all of them."""
    for entry in ledger.layers:
        new = entry.to is not None and any(one.carried < one.floats for one in entry.tensors)
        if new and entry.to is not None and entry.to < layer:
            message = f"--train-from {layer} would freeze new weights: {network.graph[entry.to].name} has"
            message += " some that --weights-cfg does not"
            hint = f"give --train-from {entry.to} or less"
            raise UsageError(message, hint=hint if entry.to else "leave --train-from out")
