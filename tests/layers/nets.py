"""Small networks written as text, for the tests of layers."""

from __future__ import annotations

import torch

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network


def network(*sections: str, shape: tuple[int, int, int], net: str = "") -> Network:
    """A network of some sections on an image of (channels, height, width), weights from a fixed seed."""
    channels, height, width = shape
    head = f"[net]\nchannels={channels}\nheight={height}\nwidth={width}\n{net}\n"
    graph = compile(parse("\n".join([head, *sections]) + "\n"))
    with torch.random.fork_rng():
        torch.manual_seed(20)
        return Network(graph)


def section(name: str, **keys: object) -> str:
    """The text of one section; a trailing underscore of a key is dropped (`from_`)."""
    return f"[{name}]\n" + "".join(f"{key.rstrip('_')}={value}\n" for key, value in keys.items())


def module(name: str, shape: tuple[int, int, int], **keys: object) -> torch.nn.Module:
    """The torch module of one section on a map of a shape."""
    return network(section(name, **keys), shape=shape).layers[0]
