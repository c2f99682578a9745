"""Reference. Oracle: Darknet's blur, each channel filtered by 1 2 1 with zeros around, or a mean of 2 x 2."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.lint.check import compile_checked
from darknet_py.model.network import Network

NET = "[net]\nwidth={0}\nheight={0}\nchannels=3\n"
CONV = "[convolutional]\nfilters=3\nsize=3\npad=1\nstride={}\nactivation=leaky\n"
POOL = "[maxpool]\nsize=3\nstride={}\n"
BINOMIAL = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16


def blurred(x: Tensor, kind: int) -> Tensor:
    """As `make_convolutional_layer` sets up the blur for antialiasing=1 and 2, with a stride of 2."""
    kernel = BINOMIAL if kind == 1 else torch.full((2, 2), 0.25)
    return conv2d(
        x, kernel.expand(x.shape[1], 1, *kernel.shape), stride=2, padding=2 - kind, groups=x.shape[1]
    )


@pytest.mark.parametrize(
    ("text", "kind", "exact"),
    [
        (CONV.format(1) + "[blurpool]\nsize=1\nstride=2\n", 1, "inside"),
        (POOL.format(1) + "[blurpool]\nsize=1\nstride=2\n", 1, "inside"),
        (CONV.format(1) + "[local_avgpool]\nsize=2\nstride=2\npadding=0\n", 2, "everywhere"),
        (POOL.format(1) + "[local_avgpool]\nsize=2\nstride=2\npadding=0\n", 2, "everywhere"),
    ],
)
@pytest.mark.parametrize("side", [8, 9])
def test_D16_what_the_card_of_antialiasing_advises_is_worth(
    side: int, text: str, kind: int, exact: str
) -> None:
    network = Network(compile_checked(parse(NET.format(side) + text)))
    before, out = network.trace(torch.randn(2, 3, side, side))
    expected = blurred(before, kind)
    assert out.shape == expected.shape
    torch.testing.assert_close(out[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1])
    assert torch.allclose(out, expected, atol=1e-6) == (exact == "everywhere")


def test_a_blurred_pool_is_one_section_inside_the_map() -> None:
    network = Network(compile_checked(parse(NET.format(12) + POOL.format(1) + "[route]\nlayers=0\n")))
    pool = Network(compile_checked(parse(NET.format(12) + "[blurpool]\nsize=3\nstride=2\n")))
    image = torch.randn(1, 3, 12, 12)
    torch.testing.assert_close(
        pool.trace(image)[0][:, :, 1:-1, 1:-1], blurred(network.trace(image)[0], 1)[:, :, 1:-1, 1:-1]
    )


@pytest.mark.parametrize("section", [CONV.format(2), POOL.format(2)])
def test_the_refusal_says_what_to_use(section: str) -> None:
    with pytest.raises(CfgError, match="equal inside the map, not at its border") as caught:
        compile_checked(parse(NET.format(8) + section + "antialiasing=1\n"))
    assert [d.code for d in caught.value.diagnostics] == ["unsupported-key"]
