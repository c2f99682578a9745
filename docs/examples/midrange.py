from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool, hide
from darknet_py.layers.pools.laws import equals


class MidRange(WindowPool, section="midrange"):
    """Between the least and the greatest cell of each window.

    [midrange]
    size = 2
    stride = 2
    """

    share: float = key(0.5, at_least=0, at_most=1, doc="0 takes the least cell, 1 the greatest")

    laws = (equals("maxpool", share=1),)

    def reduce(self, cells, inside):  # (N, C, H', W', S), and which of the S cells lie in the map
        greatest, least = hide(cells, inside).amax(-1), -hide(-cells, inside).amax(-1)
        return self.share * greatest + (1 - self.share) * least
