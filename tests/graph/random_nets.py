"""Networks drawn at random, small enough to probe every row and column of what they put out.

No maximum is among them, and so no [unpool]: it hides the other cells of its window in any one image. Its
window is an average's, and its promise is kept in tests/layers/test_every_layer.py.
"""

from __future__ import annotations

import random

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph

ACT = "activation=linear"


def drawn(seed: int) -> Graph:
    """A network that compiles: up to 12 layers on an image of 5 to 32 rows and as many columns."""
    rng = random.Random(f"reach-{seed}")
    net = f"[net]\nheight={rng.randint(5, 32)}\nwidth={rng.randint(5, 32)}\nchannels=1\n"
    text = net + f"[convolutional]\nfilters=4\nsize=1\n{ACT}\n"
    graph, wanted = compile(parse(text)), rng.randint(2, 11)
    for _ in range(80):
        if len(graph) > wanted:
            break
        try:
            grown = compile(parse(text + _section(rng, graph)))
        except CfgError:
            continue  # a reference to a map of another shape, a window that does not fit
        if max(node.shape.height for node in grown) <= 64 and grown[-1].shape.channels <= 64:
            text, graph = str(grown.document), grown
    return graph


def _section(rng: random.Random, graph: Graph) -> str:
    kinds = (_convolution, _convolution, _pool, _pool, _spread, _reference, _reference, _whole)
    return rng.choice(kinds)(rng, graph)


def _convolution(rng: random.Random, graph: Graph) -> str:
    size, dilation = rng.choice([1, 2, 3, 3, 4, 5]), rng.choice([1, 1, 1, 2, 3])
    strides = f"stride_y={rng.choice([1, 1, 2, 3])}\nstride_x={rng.choice([1, 1, 2])}\n"
    around = rng.choice(["pad=1", f"padding={rng.randint(0, 3)}"])
    return f"[convolutional]\nfilters=4\nsize={size}\ndilation={dilation}\n{strides}{around}\n{ACT}\n"


def _pool(rng: random.Random, graph: Graph) -> str:
    kind, size = rng.choice(["local_avgpool", "local_avgpool", "lppool"]), rng.choice([2, 2, 3, 5, 13])
    keys = f"size={size}\nstride_y={rng.choice([1, 1, 2, 3])}\nstride_x={rng.choice([1, 2])}\n"
    if rng.random() < 0.3:
        keys += f"padding={rng.randint(0, size)}\n"
    forms = [f"[{kind}]\n{keys}", f"[{kind}]\n{keys}", f"[local_avgpool]\nadaptive={rng.randint(1, 7)}\n"]
    return rng.choice([*forms, "[spp]\nsizes=3,5\npool=local_avg\n"])


def _spread(rng: random.Random, graph: Graph) -> str:
    stride = rng.choice([2, 2, 3, 4, -2, -3])
    deconvolution = f"[deconvolutional]\nfilters=4\nsize=3\nstride=2\npad=1\n{ACT}\n"
    forms = [f"[upsample]\nstride={stride}\n", deconvolution, "[reorg]\nstride=2\n", "[reorg3d]\nstride=2\n"]
    return rng.choice(forms)


def _reference(rng: random.Random, graph: Graph) -> str:
    """Layers whose maps have the last one's size, if there are such; else any."""
    size = graph[-1].shape.height, graph[-1].shape.width
    fitting = [n.index for n in graph if (n.shape.height, n.shape.width) == size]
    one = rng.choice(fitting + [n.index for n in graph])
    forms = [
        f"[route]\nlayers=-1,{rng.choice(fitting)}\n",
        f"[route]\nlayers={one}\n",
        f"[shortcut]\nfrom={one}\n{ACT}\n",
        f"[shortcut]\nfrom={rng.choice(fitting)}\n{ACT}\n",
        f"[sam]\nfrom={rng.choice(fitting)}\n{ACT}\n",
    ]
    return rng.choice(forms)


def _whole(rng: random.Random, graph: Graph) -> str:
    height, width = graph[-1].shape.height, graph[-1].shape.width
    crop = f"[crop]\ncrop_height={max(1, height - 2)}\ncrop_width={max(1, width - 3)}\nnoadjust=1\n"
    scaled = f"[avgpool]\n[scale_channels]\nfrom=-2\n{ACT}\n"
    return rng.choice([crop, scaled, "[dropout]\n", "[avgpool]\n"])
