"""Property. Oracle: C's atoi and atof, which stop at the first character that is no part of a number."""

from __future__ import annotations

import pytest

from darknet_py.cfg.document import parse
from darknet_py.lint.check import compile_checked, diagnose

NET = "[net]\nwidth={}\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nfilters={}\nsize=1\nactivation=linear\n"


@pytest.mark.parametrize(
    ("width", "meant"), [("416px", 416), ("416 pixels", 416), ("64d", 64), ("64 // a multiple of 32", 64)]
)
def test_D16_a_unit_behind_a_number_is_a_warning(width: str, meant: int) -> None:
    graph = compile_checked(parse(NET.format(width) + CONV.format(8)))
    assert graph.net.width == meant
    (warning,) = graph.diagnostics
    assert (warning.severity, warning.code, warning.span.line) == ("warning", "trailing-text", 2)
    assert warning.message.endswith(f"is read as {meant}")


def test_D16_each_number_of_a_list_is_read_as_darknet_reads_it() -> None:
    text = (
        NET.format(64)
        + "policy=steps\nmax_batches=20000\nsteps=16000d,18000\nscales=.1d,.1\n"
        + CONV.format(8)
    )
    graph = compile_checked(parse(text))
    assert (graph.net.steps, graph.net.scales) == ((16000, 18000), (0.1, 0.1))
    assert [d.code for d in graph.diagnostics] == ["trailing-text"] * 2


@pytest.mark.parametrize(
    "filters", ["16k", "1e3", "0.5", "41O", "4l6", "3x3", "8,9", "d", "0x10", "8-1", "8m", "8d,x"]
)
def test_what_could_change_the_number_stays_an_error(filters: str) -> None:
    (error,) = diagnose(parse(NET.format(64) + CONV.format(filters)))
    assert (error.severity, error.code, error.span.line) == ("error", "bad-value", 6)
