"""`[gru]`: a gated recurrent unit."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.recurrent.recurrent import Dense, Part, dense


class Gru(Dense, section="gru"):
    """h = z h' + (1 - z) f(U x + W (r h')), with gates z and r of the input and of h'; six `[connected]`.

    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", EMNLP 2014, arXiv:1406.1078. f is logistic; `tanh` is pjreddie's. In a file of AlexeyAB's
    Darknet the input's gates come first, in one of pjreddie's the state's.

        [gru]
        output = 1024
    """

    output: int = key(1, at_least=1, at_most=1 << 20, doc="numbers put out")
    batch_normalize: bool = key(False, doc="normalise each output over the batch")
    tanh: bool = key(False, doc="f is tanh")

    def shape(self, *maps: Shape) -> Shape:
        """As many channels of one cell; AlexeyAB's Darknet leaves its three sizes at 0."""
        return Shape(self.output, 1, 1)

    def parts(self, source: Shape) -> Iterator[Part]:
        """Three from the input, three from the state."""
        for inputs in (source.floats,) * 3 + (self.output,) * 3:
            yield dense(inputs, self.output, normalized=self.batch_normalize)
