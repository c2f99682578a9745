"""Random first weights, and random numbers of layers, that two networks share wherever their layers match.

One generator fills a network layer by layer, so a layer more would give all later ones other numbers.
Networks that are compared seed by seed begin with the same numbers instead: a seed that is good for one is
then more often good for the other, and the difference between the two has less noise.

Layers match as in `diff`. A layer with as many rows and columns has the same weights. Of one that grew or
shrank, the rows and columns that both have are the same numbers, scaled as its own fan-in asks.
"""

from __future__ import annotations

import torch

from darknet_py.edit.alignment import aligned
from darknet_py.graph.graph import Graph, Node
from darknet_py.model.adapt.parameters import named_arrays, parameters_of
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.ops.keyed import Keyed


@torch.no_grad()
def initialise_like(network: Network, like: Graph | None, *, seed: int) -> int:
    """Fill a network with random weights; where its layers match those of another, with that one's.

    Args:
        like: the other; None: the network's own weights, as `initialise` draws them.

    Returns: how many parameters have the values that they would have in the other.
    """
    initialise(network, seed=seed)
    if like is None:
        return network.graph.cost.parameters
    other, shared = Network(like), 0
    initialise(other, seed=seed)
    pairs = _pairs(like, network.graph)
    for node in network.graph:
        if node.index in pairs:
            shared += _share(other, like[pairs[node.index]], network, node)
    network.number_draws(_numbers(other, network, pairs))
    return shared


def has_same_start(a: Graph, b: Graph) -> bool:
    """Whether two networks have the same random numbers anyway: `initialise_like` would change nothing."""
    if [_tensors(node) for node in a if node.cost.parameters] != [
        _tensors(node) for node in b if node.cost.parameters
    ]:
        return False
    stochastic = _stochastic(a)
    return not stochastic or stochastic == _stochastic(b)


def _tensors(node: Node) -> tuple[object, ...]:
    """What decides how many numbers the first weights of a layer take, and which."""
    return node.layer.section, node.cost.parameters, node.maps[0].channels, node.shape.channels


def _stochastic(graph: Graph) -> list[str]:
    """The sections of the layers without parameters that draw random numbers, in order."""
    plain = [node for node in graph if not node.cost.parameters]
    return [node.layer.section for node in plain if _count(node.layer.module(*node.maps))]


def _pairs(a: Graph, b: Graph) -> dict[int, int]:
    """For each layer of B the layer of A that it is, if that is of the same section."""
    return {
        j: i
        for i, j in aligned(a, b)
        if i is not None and j is not None and a[i].layer.section == b[j].layer.section
    }


def _share(a: Network, old: Node, b: Network, new: Node) -> int:
    """Copy a layer's first weights; how many are the same."""
    before, after = named_arrays(a, old), named_arrays(b, new)
    if not after:
        return 0
    if {k: t.shape for k, t in before.items()} == {k: t.shape for k, t in after.items()}:
        for name, tensor in after.items():
            tensor.copy_(before[name])
        return sum(tensor.numel() for tensor in after.values())
    left, right = parameters_of(a, old), parameters_of(b, new)
    if left is None or right is None or left.weights is None or right.weights is None:
        return 0
    source, target = left.weights, right.weights
    if left.groups != 1 or right.groups != 1 or source.shape[2:] != target.shape[2:]:
        return 0
    rows, columns = (min(source.shape[axis], target.shape[axis]) for axis in (0, 1))
    scale = (source.shape[1] / target.shape[1]) ** 0.5
    target[:rows, :columns] = source[:rows, :columns] * scale
    return target[:rows, :columns].numel()


def _numbers(a: Network, b: Network, pairs: dict[int, int]) -> list[int]:
    """The numbers by which the stochastic modules of B key their draws: those of A where layers match."""
    own, total = {}, 0
    for index, module in enumerate(a.layers):
        own[index] = list(range(total, total + _count(module)))
        total += _count(module)
    numbers: list[int] = []
    for index, module in enumerate(b.layers):
        known = own[pairs[index]] if index in pairs else []
        if len(known) != _count(module):
            known = list(range(total, total + _count(module)))
            total += _count(module)
        numbers += known
    return numbers


def _count(module: torch.nn.Module) -> int:
    return sum(isinstance(one, Keyed) for one in module.modules())
