"""`[rnn]`: a layer that reads itself as it was one step before."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.recurrent.recurrent import Dense, Part, dense
from darknet_py.layers.transforms.activations import NAMES


class Rnn(Dense, section="rnn"):
    """s = f(W x) + f(V s'), y = f(U s), with s' the state one step before; three `[connected]`.

    [rnn]
    output = 1024
    hidden = 1024
    activation = leaky
    """

    output: int = key(1, at_least=1, at_most=1 << 20, doc="numbers put out")
    hidden: int = key(1, at_least=1, at_most=1 << 20, doc="numbers of the state")
    activation: str = key("logistic", one_of=NAMES, doc="function f of each term")
    batch_normalize: bool = key(False, doc="normalise each output over the batch")
    logistic: int = key(0, at_least=0, at_most=2, doc="1: f of the state is logistic, 2: loggy")
    shortcut: bool = key(False, doc="add the state one step before to the state")

    def shape(self, *maps: Shape) -> Shape:
        """As many channels of one cell."""
        return Shape(self.output, 1, 1)

    def parts(self, source: Shape) -> Iterator[Part]:
        """From the input, from the state, to the output."""
        yield dense(source.floats, self.hidden, normalized=self.batch_normalize)
        yield dense(self.hidden, self.hidden, normalized=self.batch_normalize)
        yield dense(self.hidden, self.output, normalized=self.batch_normalize)
