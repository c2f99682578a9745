"""Property. Oracle: the same updates without torch.compile."""

from __future__ import annotations

import shutil

import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.train.compile_network import compile_network
from darknet_py.train.step import Trainer
from tests.train.small_trainer import CFG, update


def network(text: str = CFG.format(net="batch=2\nema_decay=0.9\nmax_batches=9")) -> Network:
    found = Network(compile(parse(text)))
    initialise(found, seed=0)
    return found


@pytest.mark.skipif(not shutil.which("g++"), reason="there is no g++")
def test_updates_are_those_without_it_within_rounding() -> None:
    plain, fast = Trainer(network()), Trainer(network())
    ran = fast.network._run
    compile_network(fast.network)
    assert fast.network._run is not ran
    for trainer in (plain, fast):
        for iteration in (1, 2, 3):
            update(trainer, iteration)
    for one, other in zip(plain.network.parameters(), fast.network.parameters(), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
    images = torch.rand(1, 3, 16, 16)
    averages = [trainer.scored().eval() for trainer in (plain, fast)]
    (wanted,), (found,) = (average(images) for average in averages)
    assert torch.allclose(wanted, found, rtol=1e-3, atol=1e-4)


def test_layers_that_draw_are_refused_by_name() -> None:
    text = CFG.format(net="").replace("[yolo]", "[dropout]\nprobability=.5\n[yolo]")
    with pytest.raises(UsageError, match=r"draw random numbers cannot be compiled: layer 2 \[dropout\]"):
        compile_network(network(text))


def test_a_machine_without_a_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "there-is-no-such-compiler")
    with pytest.raises(UsageError, match=r"needs a C\+\+ compiler.*\n   = install g\+\+"):
        compile_network(network())
