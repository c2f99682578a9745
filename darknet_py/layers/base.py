"""The contract of a layer: its keys, what it reads, output shape, window, cost and module; never lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.catalogue import ALIASES, CATALOGUE, enter

if TYPE_CHECKING:
    from torch import Tensor, nn
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """Nothing at run time; type checkers see what `__init_subclass__` does."""
        return lambda cls: cls


Declared = TypeVar("Declared")
Category = Literal["convolutional", "pool", "head", "join", "other"]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(key,))
def _declaration(cls: type[Declared]) -> type[Declared]:
    """A dataclass of its keys; `Layer` freezes it, by one method for all classes."""
    return dataclasses.dataclass(kw_only=True, init=False, repr=False, eq=False)(cls)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(key,))
@_declaration
class Layer:
    """One section of a cfg, read and checked.

    A subclass with `section="name"` becomes a frozen dataclass of its keys and enters the catalogue.

    Raises:
        TypeError: when two classes claim one section, or a class has no docstring or a key no `doc`.
    """

    section: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    category: ClassVar[Category] = "other"  # by which pictures of networks colour it
    _defaults: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, *, section: str = "", aliases: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        cls.section, cls.aliases = section, aliases
        _declaration(cls)
        cls._defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        if section:
            enter(cls)

    # For all layers at once: generated for each class, these would take half of the time that `lint` takes.
    def __init__(self, **values: Any) -> None:
        if unknown := [name for name in values if name not in self._defaults]:
            raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")
        self.__dict__.update(self._defaults | values)
        if lacking := [name for name, value in self.__dict__.items() if value is dataclasses.MISSING]:
            raise TypeError(f"{type(self).__name__} needs {', '.join(lacking)}")
        self.__post_init__()

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __post_init__(self) -> None:
        """What a class does with its keys when they are there; as in any dataclass."""

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        keys = (f"{name}={getattr(self, name)!r}" for name in self._defaults)
        return f"{type(self).__name__}({', '.join(keys)})"

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._defaults)

    def inputs(self, at: int) -> tuple[int, ...]:
        """Indices of the layers that layer `at` reads; -1 is the image."""
        return (at - 1,)

    def shape(self, *maps: Shape) -> Shape:
        """The map it puts out.

        Raises:
            Refused: when the maps it reads do not fit.
        """
        return maps[0]

    def window(self, *maps: Shape) -> Window:
        """What one output cell reads of its input."""
        return Window()

    def cost(self, *maps: Shape) -> Cost:
        """Floats and operations, for one image."""
        return Cost()

    def module(self, *maps: Shape) -> nn.Module:
        """The torch module; its forward takes the maps and returns one tensor (N, C, H, W)."""
        from torch import nn

        return nn.Identity()

    def arrays(self, module: nn.Module) -> Iterator[Tensor]:
        """Its floats in the order of `.weights`, for reading and for writing."""
        return iter(())

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """What the keys' ranges and `shape` cannot express."""
        return iter(())

    # Keys that Darknet knows in every section.
    learning_rate: float = key(1.0, at_least=0, doc="multiplies the learning rate of this layer")
    stopbackward: int = key(
        0, at_least=0, doc="1: this layer and all before it are not trained; N: before iteration N"
    )
    onlyforward: int = key(0, doc="1: nothing is carried back through this layer, and its weights rest")
    dont_update: int = key(0, at_least=0, doc="the weights rest up to this iteration")
    burnin_update: int = key(0, at_least=0, doc="the weights rest for so many times burn_in iterations")
    train_only_bn: int = key(
        0, doc="1: the weights of this layer and all before it rest; running statistics do not"
    )
    dontload: bool = key(False, doc="the weights file has nothing for this layer")
    dontloadscales: bool = key(False, doc="the weights file has no scales, means and variances here")
    dontsave: bool = key(False, doc="write no more from here on", ignored="pjreddie's Darknet alone has it")
    clip: float = key(0.0, at_least=0, doc="0, or the limit of weights after an update")
    name: str = key(
        "", doc="what references call this layer, as `layers = @spp_in`; ours, `edit --plain` writes numbers"
    )


def layer_class(section: str) -> type[Layer] | None:
    """The class of a section, by its name or an alias of Darknet's (`conv`, `max`, `network`)."""
    return CATALOGUE.get(ALIASES.get(section, section))


def absolute(reference: int, at: int) -> int:
    """A layer index as a cfg writes it: negative counts back from layer `at`.

    >>> absolute(-4, 17), absolute(8, 20)
    (13, 8)
    """
    return at + reference if reference < 0 else reference
