"""Layers that are understood and not run: shapes, costs and messages, without a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

NOT_RUN = "not-run"  # the code of everything that compiles and that no network is built of


class NotExecutable(Layer):
    """A section whose shape and cost are Darknet's, and which this program does not compute.

    `lint` says so as a warning; a network with one is refused, at its line, before anything is built.
    """

    why: ClassVar[str] = ""

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """That it is not run, as a warning."""
        yield Complaint(self._words(), code=NOT_RUN, reason=self.why, severity="warning")

    def module(self, *maps: Shape) -> nn.Module:
        """None.

        Raises:
            Refused: always.
        """
        raise Refused(Complaint(self._words(), code=NOT_RUN, reason=self.why))

    def _words(self) -> str:
        return f"[{self.section}] is understood, and not run here"
