"""What an export is before it is a file: bytes that can be run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from darknet_py.ops.cells import Floats


class Form(Protocol):
    """A network as the bytes of one or several files.

    Attributes:
        files: the bytes by the ending of their file; the first is the one that the person names.
        notes: what a person should know about it.
        any_batch: it takes any number of images; else one.
        any_size: it takes inputs of other sizes than the cfg's.
    """

    @property
    def files(self) -> Mapping[str, bytes]: ...  # noqa: D102 - see Attributes
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def any_batch(self) -> bool: ...  # noqa: D102
    @property
    def any_size(self) -> bool: ...  # noqa: D102

    def run(self, images: Floats) -> list[Floats]:
        """The maps of `graph.outputs`, raw for heads, as the files compute them."""

    def trace(self, images: Floats) -> Mapping[int, Floats]:
        """The maps of the layers by their numbers, raw for heads; of those that have one in this form."""
