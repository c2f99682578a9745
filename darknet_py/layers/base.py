"""The base class of layers.

A layer is a declaration: a frozen dataclass of its section's keys, with methods for its inputs, its output
shape, the window of an output cell, its cost, and the torch module that computes it. It knows keys and
shapes, but not lines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.catalogue import ALIASES, CATALOGUE, enter
from darknet_py.layers.declaration import Declaration

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes

Category = Literal["convolutional", "pool", "head", "join", "other"]


@dataclasses.dataclass(kw_only=True, init=False, repr=False, eq=False)
class Layer(Declaration):
    """One section of a cfg, read and checked.

    A subclass with `section="name"` becomes a frozen dataclass of its keys and enters the catalogue.

    Raises:
        TypeError: when two classes claim one section, or a class has no docstring or a key no `doc`.
    """

    section: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    other_names: ClassVar[str] = ""  # what other tools call it, separated by spaces; for suggestions
    category: ClassVar[Category] = "other"  # how diagrams colour it
    window_key: ClassVar[str] = "size"  # the key that `window_sizes` come from

    def __init_subclass__(cls, *, section: str = "", aliases: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        cls.section, cls.aliases = section, aliases
        dataclasses.dataclass(kw_only=True, init=False, repr=False, eq=False)(cls)
        cls._defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        if section:
            enter(cls)

    def inputs(self, at: int) -> tuple[int, ...]:
        """Indices of the layers that layer `at` reads; -1 is the image."""
        return (at - 1,)

    def pair(self, at: int) -> int | None:
        """Index of an earlier layer whose declaration and inputs layer `at` needs as well; None for most.

        Those inputs are appended to its own, and `paired_with` gets the declaration.
        """
        return None

    def paired_with(self, other: Layer) -> Layer:
        """This layer, with the declaration of the layer that `pair` refers to."""
        return self

    def shape(self, *maps: Shape) -> Shape:
        """The shape of its output.

        Raises:
            Refused: when the shapes of its inputs do not fit.
        """
        return maps[0]

    def window(self, *maps: Shape) -> Window:
        """The cells of the input that one output cell reads."""
        return Window()

    @property
    def window_sizes(self) -> tuple[int, ...]:
        """Sizes of the windows that slide over its input; empty where there are none."""
        return ()

    @property
    def channelwise(self) -> bool:
        """Whether every output channel is one function, the same for all, of that channel of its inputs."""
        return False

    def cost(self, *maps: Shape) -> Cost:
        """Parameters and operations, for one image."""
        return Cost()

    def module(self, *maps: Shape) -> nn.Module:
        """The torch module; its `forward` takes the input maps and returns one tensor (N, C, H, W)."""
        from torch import nn

        return nn.Identity()

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes of what `arrays` yields, without a module."""
        return iter(())

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Add ONNX nodes that compute what the module does in evaluation; call it by `onnx_of`.

        Args:
            nodes: has the layer's arrays and the shapes of its inputs.
            maps: the names of its inputs.

        Returns: the name of its output.
        """
        return maps[0]

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Names and tensors of its module in the order of `.weights`, for reading and for writing."""
        return iter(())

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Checks that the ranges of keys and `shape` cannot express."""
        return iter(())

    # Keys that Darknet knows in every section.
    learning_rate: float = key(1.0, at_least=0, doc="multiplies the learning rate of this layer")
    stopbackward: int = key(
        0, at_least=0, doc="1: this layer and all before it are frozen; N: before iteration N"
    )
    onlyforward: int = key(0, doc="1: no gradient passes back through this layer, and its weights are frozen")
    dont_update: int = key(0, at_least=0, doc="the weights are frozen up to this iteration")
    burnin_update: int = key(
        0, at_least=0, doc="the weights are frozen for this many times burn_in iterations"
    )
    train_only_bn: int = key(
        0, doc="1: the weights of this layer and all before it are frozen; running statistics are not"
    )
    dontload: bool = key(False, doc="the weights file has no data for this layer")
    dontloadscales: bool = key(False, doc="the weights file has no scales, means and variances here")
    dontsave: bool = key(False, doc="save no weights from here on", ignored="only pjreddie's Darknet has it")
    clip: float = key(0.0, at_least=0, doc="limit of the absolute weights after an update; 0: none")
    name: str = key(
        "",
        doc="name for references, as `layers = @spp_in`; not in Darknet, `edit --plain` writes numbers",
    )


def layer_class(section: str) -> type[Layer] | None:
    """The class of a section, by its name or one of Darknet's aliases (`conv`, `max`, `network`)."""
    return CATALOGUE.entered.get(section) or CATALOGUE.get(ALIASES.get(section, section))


def absolute(reference: int, at: int) -> int:
    """The index of a layer from a reference of a cfg: negative counts back from layer `at`.

    >>> absolute(-4, 17), absolute(8, 20)
    (13, 8)
    """
    return at + reference if reference < 0 else reference
