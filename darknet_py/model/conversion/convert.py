"""Weights from one format to another: a file fills the cfg's network, and the network is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cfg.document import Document
from darknet_py.errors import UsageError
from darknet_py.files.atomic import publish_bytes
from darknet_py.files.digest import sha256_of
from darknet_py.lint.check import compile_checked
from darknet_py.model.conversion.safetensors_file import (
    load_safetensors,
    read_cfg,
    write_safetensors,
)
from darknet_py.model.conversion.schemes import SCHEMES, Scheme
from darknet_py.model.conversion.state_dict import load_state_dict, looks_like_pickle, write_state_dict
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights, weights_bytes
from darknet_py.model.weights_fit.header import Header, first_bytes, read_header
from darknet_py.model.weights_fit.kinds import is_safetensors

if TYPE_CHECKING:
    from collections.abc import Sequence

PICKLES = (".pt", ".pth")
OUTPUTS = (".weights", ".safetensors", *PICKLES)


@dataclass(frozen=True)
class WeightsConversion:
    """What a conversion did.

    Args:
        read, written: the formats, "darknet", "safetensors" or the name of a scheme.
        floats: how many numbers were carried over; all of the network's.
        seen: images the weights were trained on, where the source says it.
        sha256: of the written file.
        notes: what a person should know about the source.
    """

    read: str
    written: str
    floats: int
    seen: int
    sha256: str
    notes: Sequence[str] = ()


def convert(
    source: Path, target: Path, *, cfg: Document | None = None, scheme: str = ""
) -> WeightsConversion:
    """Convert weights; the format of the source is recognised by its content, the target's is its suffix.

    Args:
        cfg: the network's; a safetensors file of this program has its own.
        scheme: the names of a `.pt` file to write, one of `SCHEMES`; "" for the first.

    Raises:
        UsageError: when the suffix of the target is none of `OUTPUTS`, or the cfg is missing.
        WeightsError: when the source does not fit the cfg; nothing is written.
    """
    if target.suffix not in OUTPUTS:
        hint = f"name it with one of {', '.join(OUTPUTS)}"
        raise UsageError(f"`{target.suffix}` is no format to write", where=target, hint=hint)
    start = first_bytes(source)
    if cfg is None:
        if not is_safetensors(start):
            raise UsageError(
                "a cfg is needed: only a safetensors file of this program has its own", hint="add --cfg CFG"
            )
        cfg = read_cfg(source)
    network = Network(compile_checked(cfg)).eval()
    read, header, notes = _read(network, source, start)
    written = _write(network, target, cfg=cfg, header=header, scheme=scheme)
    floats = network.graph.cost.parameters
    return WeightsConversion(read, written, floats, header.seen, sha256_of(target), notes)


def _read(network: Network, path: Path, start: bytes) -> tuple[str, Header, list[str]]:
    """Fill the network; the source's format, the header of its `.weights` file, and notes."""
    if is_safetensors(start):
        return "safetensors", load_safetensors(network, path), []
    if looks_like_pickle(start):
        foreign = load_state_dict(network, path)
        notes = [f"the state dict is the checkpoint's `{foreign.holder}`"] if foreign.holder else []
        if foreign.widened:
            notes.append(f"{foreign.widened} arrays of half precision became float32")
        return foreign.scheme, foreign.header, notes
    load_weights(network, path)
    return "darknet", read_header(start, path), []


def _write(network: Network, path: Path, *, cfg: Document, header: Header, scheme: str) -> str:
    """Write the network; the name of the format."""
    if path.suffix == ".weights":
        publish_bytes(path, weights_bytes(network, seen=header.seen, version=header.version))
        return "darknet"
    if path.suffix == ".safetensors":
        write_safetensors(network, path, cfg=str(cfg), header=header)
        return "safetensors"
    chosen = _scheme(scheme)
    write_state_dict(network, path, chosen, header=header)
    return chosen.name


def _scheme(name: str) -> Scheme:
    by_name = {scheme.name: scheme for scheme in SCHEMES}
    if name and name not in by_name:
        raise UsageError(f"`{name}` is no scheme of names", hint=f"schemes are {', '.join(by_name)}")
    return by_name[name] if name else SCHEMES[0]
