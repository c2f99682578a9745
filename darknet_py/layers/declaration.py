"""The dataclass methods of all layers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclasses.dataclass(kw_only=True, init=False, repr=False, eq=False)
class Declaration:
    """A frozen dataclass whose methods are shared by its subclasses.

    Generated for each class, as `dataclasses` does, these methods would take half of the run time of `lint`.
    """

    _defaults: ClassVar[dict[str, Any]]  # by field; MISSING where there is none

    def __init__(self, **values: Any) -> None:
        if unknown := [name for name in values if name not in self._defaults]:
            raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")
        self.__dict__.update(self._defaults | values)
        if missing := [name for name, value in self.__dict__.items() if value is dataclasses.MISSING]:
            raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")
        self.__post_init__()

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __post_init__(self) -> None:
        """Called after the keys are set, as in any dataclass."""

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        keys = (f"{name}={getattr(self, name)!r}" for name in self._defaults)
        return f"{type(self).__name__}({', '.join(keys)})"

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._defaults)

    def with_values(self, **values: Any) -> Self:
        """A copy with other values of some keys."""
        return dataclasses.replace(self, **values)
