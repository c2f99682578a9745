"""`[crnn]`: an `[rnn]` of convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.cfg.keys import key
from darknet_py.layers.recurrent.recurrent import Convolved, Part
from darknet_py.layers.transforms.activations import NAMES

PJREDDIE = "only pjreddie's Darknet reads it; here, as in AlexeyAB's, it is called "


class Crnn(Convolved, section="crnn"):
    """s = f(W * x) + f(V * s'), y = f(U * s), with s' the state one step before; three `[convolutional]`.

    [crnn]
    size = 3
    pad = 1
    output = 512
    hidden = 256
    activation = leaky
    """

    hidden: int = key(1, at_least=1, at_most=1 << 20, doc="channels of the state")
    activation: str = key("logistic", one_of=NAMES, doc="function f of each term")
    shortcut: bool = key(False, doc="add the state one step before to the state")
    output_filters: int = key(1, doc="output channels", ignored=f"{PJREDDIE}output")
    hidden_filters: int = key(1, doc="channels of the state", ignored=f"{PJREDDIE}hidden")

    def window(self, *maps: Shape) -> Window:
        """The kernels of one step, one after the other."""
        reach = (self.size - 1) * self.spread
        axis = Axis(2 * reach + 1, 1, reach)
        return Window(axis, axis)

    def parts(self, source: Shape) -> Iterator[Part]:
        """From the input, from the state, to the output."""
        state = Shape(self.hidden, source.height, source.width)
        yield self.convolution(source, self.hidden)
        yield self.convolution(state, self.hidden)
        yield self.convolution(state, self.output)
