"""`[lstm]`: long short-term memory."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.recurrent.recurrent import Dense, Part, dense


class Lstm(Dense, section="lstm"):
    """c = f c' + i g, h = o tanh(c), with gates f, i, o and g of the input and of h'; eight `[connected]`.

    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997. In a file of AlexeyAB's
    Darknet the gates are f, i, g, o; in one of pjreddie's i, f, o, g.

        [lstm]
        output = 1024
    """

    output: int = key(1, at_least=1, at_most=1 << 20, doc="numbers put out")
    batch_normalize: bool = key(False, doc="normalise each output over the batch")

    def shape(self, *maps: Shape) -> Shape:
        """As many channels of one cell."""
        return Shape(self.output, 1, 1)

    def parts(self, source: Shape) -> Iterator[Part]:
        """Four gates from the state, four from the input."""
        for inputs in (self.output,) * 4 + (source.floats,) * 4:
            yield dense(inputs, self.output, normalized=self.batch_normalize)
