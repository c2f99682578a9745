"""Weights as PyTorch state dicts, under the names of other implementations of Darknet."""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from darknet_py.errors import WeightsError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.model.conversion.checkpoint_file import load_checkpoint
from darknet_py.model.conversion.schemes import SCHEMES, Scheme
from darknet_py.model.network import Network
from darknet_py.model.weights import Array, expected_bytes, file_layout
from darknet_py.model.weights_file import check_values
from darknet_py.model.weights_fit.header import VERSION, Header
from darknet_py.model.weights_fit.kinds import is_pickle

HOLDERS = ("ema", "model", "state_dict", "model_state_dict", "weights")  # keys of checkpoints, best first
MOST_COPIES = 16  # a checkpoint has the weights, their average and an optimizer's moments
HEADER = "darknet"  # the entry of `_metadata` with the header of a `.weights` file
WRAPPERS = re.compile(r"^(?:module\.|model\.)+")  # DataParallel's, and those of classes around the network
FLOATS = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class ForeignWeights:
    """The result of reading a state dict.

    Args:
        scheme: whose names it has.
        header: of the `.weights` file it was made from; a new one for a file of another program.
        holder: the key of the checkpoint it was under; empty for a bare state dict.
        widened: how many arrays were float16 or bfloat16.
    """

    scheme: str
    header: Header
    holder: str
    widened: int


def looks_like_pickle(data: bytes) -> bool:
    """Whether the first bytes of a file are those that `torch.save` writes."""
    return data.startswith(b"PK") or is_pickle(data)


def load_state_dict(network: Network, path: Path) -> ForeignWeights:
    """Fill a network from a file of `torch.save`; no code in it is run.

    Raises: WeightsError: when it holds no state dict, or one of another network; the network is unchanged.
    """
    layout = file_layout(network)
    holder, state = _find(load_checkpoint(path, MOST_COPIES * expected_bytes(network.graph)), path)
    tensors = {WRAPPERS.sub("", key): value for key, value in state.items() if isinstance(value, Tensor)}
    scheme = _recognise(tensors, path)
    expected = dict(scheme.keys(layout))
    _check(tensors, expected, scheme, path)
    check_values(layout, [tensors[key].float().numpy() for key in expected], path)
    with torch.no_grad():
        for key, array in expected.items():
            array.tensor.copy_(tensors[key])
    widened = sum(tensors[key].dtype != torch.float32 for key in expected)
    return ForeignWeights(scheme.name, _header_of(state), holder, widened)


def write_state_dict(network: Network, path: Path, scheme: Scheme, *, header: Header) -> None:
    """Write a network under the names of a scheme; the file is published atomically.

    The header is kept where modules keep the versions of their state; those that load it do not look there.
    """
    state: OrderedDict[str, Tensor] = OrderedDict()
    vars(state)["_metadata"] = {HEADER: {"version": header.version, "seen": header.seen}}
    for key, array in scheme.keys(file_layout(network)):
        state[key] = array.tensor.detach().cpu().clone()
        if counter := scheme.counter(key):
            state[counter] = torch.tensor(0)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    publish_bytes(path, buffer.getvalue())


def _find(loaded: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
    """The state dict in what a file holds, after the key it is under."""
    places = [("", loaded)]
    if isinstance(loaded, Mapping):
        places = [(key, loaded[key]) for key in HOLDERS if key in loaded] + places
    for holder, value in places:
        if isinstance(value, Mapping) and any(isinstance(one, Tensor) for one in value.values()):
            return holder, value
    what = f"a {type(loaded).__name__}"
    if isinstance(loaded, Mapping):
        what = f"a dict with the keys {', '.join(quoted(key) for key in list(loaded)[:8])}"
    message = f"holds no state dict: found {what}"
    hint = f"expected tensors by name, or a checkpoint with one of {', '.join(HOLDERS)}"
    raise WeightsError(message, where=path, hint=hint)


def _header_of(state: Mapping[str, Any]) -> Header:
    """The header that `write_state_dict` keeps in a state dict; in other files a new one."""
    match getattr(state, "_metadata", {}).get(HEADER):
        case {"version": (int(major), int(minor), int(revision)), "seen": int(seen)}:
            return Header((major, minor, revision), seen)
    return Header(VERSION, 0)


def _recognise(tensors: Mapping[str, Tensor], path: Path) -> Scheme:
    """The scheme of a state dict's names; there is no guess by order."""
    found = [scheme for scheme in SCHEMES if any(scheme.sign.fullmatch(key) for key in tensors)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"`{quoted(key)}`" for key in list(tensors)[:3])
    known = "; ".join(f"{s.name}: `{s.convolution}.weight`" for s in SCHEMES)
    message = f"has names of no known implementation ({names}, ...)"
    raise WeightsError(message, where=path, hint=f"names that say their layer are read: {known}")


def _check(tensors: Mapping[str, Tensor], expected: Mapping[str, Array], scheme: Scheme, path: Path) -> None:
    """Refuse a state dict with other arrays, shapes or types than the network's."""
    counters = {scheme.counter(key) for key in expected}
    lacking = [key for key in expected if key not in tensors]
    unknown = [key for key in tensors if key not in expected and key not in counters]
    if lacking or unknown:
        parts = []
        if lacking:
            node = expected[lacking[0]].node
            parts.append(f"lacks {len(lacking)} arrays of the network, `{lacking[0]}` of {node.name} first")
        if unknown:
            parts.append(f"has {len(unknown)} that the network does not have, `{quoted(unknown[0])}` first")
        message = " and ".join(parts)
        raise WeightsError(message, where=path, hint=f"it is another cfg's ({scheme.name}'s names)")
    for key, array in expected.items():
        tensor = tensors[key]
        if tensor.shape != array.tensor.shape:
            message = f"`{key}` has the shape {tuple(tensor.shape)}; "
            message += f"{array.node.name} takes {tuple(array.tensor.shape)}"
            raise WeightsError(message, where=path, hint="it is another cfg's")
        if tensor.dtype not in FLOATS:
            message = f"`{key}` is of type {tensor.dtype}; float32 was expected"
            raise WeightsError(message, where=path, hint="it is another cfg's, or quantised")
