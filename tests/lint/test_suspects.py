"""Property. Oracle: sizes of maps by hand; a network of stride S needs an input that S divides."""

from __future__ import annotations

import pytest

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cfg.document import parse
from darknet_py.graph.sizes import coarsest_strides
from darknet_py.lint.check import compile_checked, diagnose
from darknet_py.lint.suspects import odd_input_sizes

HALF = "[convolutional]\nfilters=8\nsize=3\nstride=2\npad=1\nactivation=leaky\n"


def net(width: int, height: int) -> str:
    return f"[net]\nwidth={width}\nheight={height}\nchannels=3\n"


def pyramid(levels: int) -> str:
    """A network of stride 2 ** levels, whose coarsest map meets the one before it."""
    return HALF * levels + f"[upsample]\nstride=2\n[route]\nlayers=-1,{levels - 2}\n"


def found(text: str) -> list[Diagnostic]:
    return list(diagnose(parse(text)))


@pytest.mark.parametrize(
    ("levels", "width", "height", "message", "sizes"),
    [
        (6, 1152, 800, "height=800 is not a multiple of 64", ("768", "832")),
        (7, 1536, 1216, "height=1216 is not a multiple of 128", ("1152", "1280")),
        (3, 100, 64, "width=100 is not a multiple of 8", ("96", "104")),
        (6, 800, 800, "width=800 and height=800 are not multiples of 64", ("768 x 768", "832 x 832")),
    ],
)
def test_D15_the_size_suspect_knows_the_stride_of_the_network(
    levels: int, width: int, height: int, message: str, sizes: tuple[str, str]
) -> None:
    first, error = found(net(width, height) + pyramid(levels))
    assert (first.code, first.message, error.code) == ("odd-size", message, "shapes-differ")
    assert first.reason == f"with {sizes[0]} the maps fit, and with {sizes[1]}"


def test_D15_a_stride_along_one_axis_counts_for_that_axis() -> None:
    rows_only = HALF.replace("stride=2", "stride_y=2")
    graph = compile_checked(parse(net(64, 64) + HALF + rows_only * 2 + "[avgpool]\n"))
    assert coarsest_strides(graph.nodes) == (8, 2)
    (suspect,) = odd_input_sizes((8, 2), parse(net(90, 90)))
    assert suspect.complaint.message == "height=90 is not a multiple of 8"
    assert suspect.changes == {0: {"height": "88"}}


def test_the_size_is_suspected_although_a_word_is_misspelt_too() -> None:
    text = net(100, 64) + pyramid(3).replace("leaky", "silu", 1)
    assert [d.code for d in found(text)] == ["odd-size", "unknown-value", "shapes-differ"]


@pytest.mark.parametrize(
    ("join", "words"),
    [
        ("[route]\nlayers=-1,0\n", "layers 1 to 2 are 32x32; layer 0 is 64x64"),
        ("[upsample]\n[route]\nlayers=-1,1\n", "layers 0 and 3 are 64x64; layers 1 to 2 are 32x32"),
        ("[sam]\nfrom=0\n", "they must be equal; layers 1 to 2 are 32x32; layer 0 is 64x64"),
    ],
    ids=["route", "route behind an upsampling", "sam"],
)
def test_D15_the_layers_of_the_right_size_are_named(join: str, words: str) -> None:
    same = HALF.replace("stride=2", "stride=1")
    errors = found(net(128, 128) + HALF * 2 + same + join)
    assert errors[-1].code == "shapes-differ"
    assert errors[-1].reason == words


def test_many_layers_of_a_size_are_told_in_a_line() -> None:
    body = (HALF + "[upsample]\nstride=2\n") * 8 + HALF + "[route]\nlayers=-1,1\n"
    (error,) = (d for d in found(net(64, 64) + body) if d.severity == "error")
    assert error.reason == "layers 0, ..., 14 and 16 are 32x32; layers 1, ..., 13 and 15 are 64x64"
