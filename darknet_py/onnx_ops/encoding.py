"""ONNX messages in the wire format of protobuf, as onnx.proto numbers their fields.

Running a network needs the bytes of its graph and nothing else of the package onnx, whose import takes longer
than a small network's session.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

FLOAT, INT32, INT64, BOOL, DOUBLE = 1, 6, 7, 9, 11  # of TensorProto.DataType
TYPES = {
    np.dtype(np.float32): FLOAT,
    np.dtype(np.int32): INT32,
    np.dtype(np.int64): INT64,
    np.dtype(np.bool_): BOOL,
    np.dtype(np.float64): DOUBLE,
}
EXTERNAL = 1  # of TensorProto.DataLocation
VARINT, BYTES, FIXED32 = 0, 2, 5  # how a field is written
WHOLE: tuple[type, ...] = (int, np.integer, np.bool_)
REAL: tuple[type, ...] = (float, np.floating, *WHOLE)


class OnnxNode(NamedTuple):
    """A node of a graph.

    Args:
        attributes: numbers, texts, lists of one kind of them, and arrays.
    """

    kind: str
    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Any] = {}


class Value(NamedTuple):
    """An input or an output of a graph.

    Args:
        sides: of its shape: a number, the name of one that is free, or None of one that is not known.
        kind: of its numbers.
    """

    name: str
    sides: Sequence[int | str | None]
    kind: int = FLOAT


def model(graph: Iterable[bytes], *, opset: int, ir: int, producer: str) -> bytes:
    """A ModelProto of the parts of its graph."""
    operators = _text(1, "") + _number(2, opset)
    return b"".join(
        [_number(1, ir), _text(2, producer), _bytes(7, b"".join(graph)), _bytes(8, operators)],
    )


def graph_parts(
    nodes: Iterable[OnnxNode], tensors: Iterable[bytes], inputs: Iterable[Value], outputs: Iterable[Value]
) -> Iterable[bytes]:
    """The fields of a GraphProto; `tensors` are its constants."""
    yield from (_bytes(1, _node(node)) for node in nodes)
    yield _text(2, "darknet")
    yield from (_bytes(5, tensor) for tensor in tensors)
    yield from (_bytes(11, _value(value)) for value in inputs)
    yield from (_bytes(12, _value(value)) for value in outputs)


def tensor(array: npt.NDArray[Any], name: str = "") -> bytes:
    """A TensorProto with its numbers."""
    numbers = np.ascontiguousarray(array)  # of no axes it makes one; the shape is that of `array`
    named = _text(8, name) if name else b""
    return _described(array) + named + _bytes(9, numbers.astype(numbers.dtype.newbyteorder("<")).tobytes())


def external_tensor(array: npt.NDArray[Any], name: str) -> bytes:
    """A TensorProto whose numbers are elsewhere."""
    place = _bytes(13, _text(1, "location") + _text(2, "weights"))
    return _described(array) + _text(8, name) + place + _number(14, EXTERNAL)


def _described(array: npt.NDArray[Any]) -> bytes:
    return b"".join(_number(1, side) for side in array.shape) + _number(2, TYPES[array.dtype])


def _node(node: OnnxNode) -> bytes:
    parts = [_text(1, each) for each in node.inputs]
    parts += [_text(2, each) for each in node.outputs]
    parts += [_text(3, node.name), _text(4, node.kind)]
    parts += [_bytes(5, _attribute(node, key)) for key in sorted(node.attributes)]
    return b"".join(parts)


def _attribute(node: OnnxNode, key: str) -> bytes:
    """An AttributeProto: its name, its value in the field of its type, and that type."""
    value = node.attributes[key]
    if isinstance(value, np.ndarray):
        return _text(1, key) + _bytes(5, tensor(value)) + _number(20, 4)
    if isinstance(value, (list, tuple)):
        fields, types = (8, 7, 9), (7, 6, 8)
    else:
        fields, types, value = (3, 2, 4), (2, 1, 3), [value]
    kinds: tuple[tuple[tuple[type, ...], Callable[[int, Any], bytes]], ...]
    kinds = (WHOLE, _number), (REAL, _float), ((str,), _text)  # a list with one real is one of reals
    for (kind, encode), field, type_ in zip(kinds, fields, types, strict=True):
        if value and all(isinstance(each, kind) for each in value):
            return _text(1, key) + b"".join(encode(field, each) for each in value) + _number(20, type_)
    raise TypeError(f"{node.name}: {key}={node.attributes[key]!r} is no attribute of an ONNX node")


def _value(value: Value) -> bytes:
    """A ValueInfoProto: name, and the TypeProto of a tensor of this type and shape."""
    sides = (
        _bytes(1, b"" if side is None else _text(2, side) if isinstance(side, str) else _number(1, side))
        for side in value.sides
    )
    of_tensor = _number(1, value.kind) + _bytes(2, b"".join(sides))
    return _text(1, value.name) + _bytes(2, _bytes(1, of_tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | VARINT) + _varint(int(value) & (1 << 64) - 1)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | FIXED32) + struct.pack("<f", value)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | BYTES) + _varint(len(content)) + content


@lru_cache(4096)
def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    if value < 128:
        return bytes((value,))
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
