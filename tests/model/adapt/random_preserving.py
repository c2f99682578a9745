"""Random edits that change no output: layers that can be identities, branches, filters, other spellings."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from darknet_py.cfg.document import Document, parse
from darknet_py.cfg.edits import Edit, set_value
from darknet_py.cfg.sections import new_section
from darknet_py.edit.editing import Changes, apply_edits
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.head import Head
from darknet_py.layers.merging.route import Route
from darknet_py.layers.pools.spp import Spp
from tests.edit.random_edits import random_cfg

Kind = Callable[[Random, Graph], "Changes | Document | None"]


def _insert(draw: Random, graph: Graph, *sections: str) -> Changes | None:
    """A layer after any that is no head."""
    places = [node for node in graph if not isinstance(node.layer, Head)]
    node = draw.choice(places)
    texts = [text.format(channels=node.shape.channels, at=node.index) for text in sections]
    return Changes(inserts=tuple((node.index, new_section(text)) for text in texts))


def identity_convolution(draw: Random, graph: Graph) -> Changes | None:
    size, groups = draw.choice((1, 3, 5)), "1"
    return _insert(
        draw, graph, f"convolutional filters={{channels}} size={size} pad=1 groups={groups} activation=linear"
    )


def dropout(draw: Random, graph: Graph) -> Changes | None:
    return _insert(draw, graph, draw.choice(("dropout", "empty", "activation activation=linear")))


def residual(draw: Random, graph: Graph) -> Changes | None:
    norm = draw.choice(("", " batch_normalize=1"))
    conv = f"convolutional filters={{channels}} size=3 pad=1 activation=leaky{norm}"
    return _insert(draw, graph, conv, "shortcut from={at} activation=linear")


def weighted_shortcut(draw: Random, graph: Graph) -> Changes | None:
    kind = draw.choice(("per_feature", "per_channel"))
    return _insert(draw, graph, f"shortcut from={{at}} weights_type={kind} activation=linear")


def pyramid_before_a_convolution(draw: Random, graph: Graph) -> Changes | None:
    places = [
        node.index - 1
        for node in graph[1:]
        if node.layer.section == "convolutional" and not isinstance(graph[node.index - 1].layer, Head)
    ]
    if not places:
        return None
    sizes = sorted(draw.sample((3, 5, 7, 9, 13), draw.choice((1, 2, 3))))
    pool = draw.choice(("max", "local_avg", "softpool"))
    text = f"spp pool={pool} sizes={','.join(map(str, sizes))}"
    return Changes(inserts=((draw.choice(places), new_section(text)),))


def larger_pyramid(draw: Random, graph: Graph) -> Changes | None:
    places = [node for node in graph if isinstance(node.layer, Spp)]
    if not places:
        return None
    node = draw.choice(places)
    assert isinstance(node.layer, Spp)
    sizes = sorted({*node.layer.sizes, draw.choice((3, 5, 7, 9, 11))})
    return Changes(sets=(Edit(node.index, "sizes", ",".join(map(str, sizes))),))


def more_filters(draw: Random, graph: Graph) -> Changes | None:
    read_by_heads = {at for head in graph.heads for at in graph[head].inputs}
    places = [n for n in graph if n.layer.section == "convolutional" and n.index not in read_by_heads]
    if not places:
        return None
    node = draw.choice(places)
    return Changes(sets=(Edit(node.index, "filters", str(node.shape.channels + draw.choice((1, 2, 5)))),))


def other_sections(draw: Random, graph: Graph) -> Changes | None:
    return Changes(expands=None) if any(isinstance(node.layer, Spp) for node in graph) else None


def swapped_branches(draw: Random, graph: Graph) -> Document | None:
    routes = [n for n in graph if isinstance(n.layer, Route) and len(n.inputs) > 1]
    if not routes:
        return None
    node = draw.choice(routes)
    listed = list(node.inputs)
    draw.shuffle(listed)
    return set_value(graph.document, node.index + 1, "layers", ",".join(map(str, listed)))


# Each with whether it always preserves the outputs: a shortcut can add new channels to others.
KINDS: tuple[tuple[Kind, bool], ...] = (
    (identity_convolution, True),
    (dropout, True),
    (residual, True),
    (weighted_shortcut, True),
    (other_sections, True),
    (pyramid_before_a_convolution, False),
    (larger_pyramid, False),
    (more_filters, False),
    (swapped_branches, False),
)


def random_pair(seed: int, *, integers: bool) -> tuple[Document, Document, list[str], bool]:
    """A cfg, the cfg after one to three edits, their names, and whether all of them preserve the outputs."""
    draw = Random(seed)
    document = random_cfg(draw)
    if integers:
        text = str(document).replace("leaky", "relu").replace("batch_normalize=1", "batch_normalize=0")
        document = parse(text, path="random.cfg")
    after, names, always = document, [], True
    for _ in range(draw.choice((1, 1, 2, 3))):
        kind, keeps = draw.choice(KINDS)
        changes = kind(draw, compile(after))
        if changes is None:
            continue
        after = changes if isinstance(changes, Document) else apply_edits(after, changes).document
        names.append(kind.__name__)
        always = always and keeps
    return document, after, names, always
