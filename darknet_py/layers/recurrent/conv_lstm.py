"""`[conv_lstm]`: an `[lstm]` of convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Window
from darknet_py.cfg.keys import key
from darknet_py.layers.recurrent.recurrent import Convolved, Part
from darknet_py.layers.transforms.activations import NAMES


class ConvLstm(Convolved, section="conv_lstm"):
    """c = f c' + i g, h = o tanh(c), with gates that are convolutions of the input and of h'.

    Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", NIPS
    2015, arXiv:1506.04214.

        [conv_lstm]
        size = 3
        pad = 1
        output = 8
    """

    activation: str = key("linear", one_of=NAMES, doc="function of each convolution")
    lstm_activation: str = key("tanh", one_of=NAMES, doc="function of the cell and of g")
    peephole: bool = key(False, doc="gates read the cell too")
    bottleneck: bool = key(False, doc="one convolution of the input and the state before the gates")
    state_constrain: int = key(0, at_least=0, doc="limit of the cell's numbers; 0: 32 times time_steps")
    shortcut: bool = key(False, doc="add the input to the output")
    time_normalizer: float = key(1.0, doc="weight of the gradient through time")

    def window(self, *maps: Shape) -> Window:
        """The kernel that reads the input."""
        layer, source = self.convolution(maps[0], self.output)
        return layer.window(source)

    def cost(self, *maps: Shape) -> Cost:
        """The sum of its parts, and 9 operations, or 12, for every number put out."""
        operations = (12 if self.peephole else 9) * self.shape(*maps).floats
        return super().cost(*maps) + Cost(others=operations)

    def parts(self, source: Shape) -> Iterator[Part]:
        """Peepholes, gates of the state, gates of the input."""
        state = Shape(self.output, source.height, source.width)
        both = Shape(2 * self.output, source.height, source.width)
        for _ in range(3 if self.peephole else 0):
            yield self.convolution(state, self.output)
        for _ in range(1 if self.bottleneck else 4):
            yield self.convolution(both if self.bottleneck else state, self.output)
        for _ in range(4):
            yield self.convolution(source, self.output)
