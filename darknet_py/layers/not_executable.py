"""Layers that are checked but not executed: they have shapes and costs, but no module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused, Severity
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

NOT_RUN = "not-run"  # the code of warnings about sections and keys for which no network can be built


class NotExecutable(Layer):
    """A section with Darknet's shape and cost that this program cannot execute.

    `lint` reports a warning; building a network with one raises an error at its line.
    """

    why: ClassVar[str] = ""

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """A warning that it is not executed."""
        yield self._complaint("warning")

    def module(self, *maps: Shape) -> nn.Module:
        """There is none.

        Raises:
            Refused: always.
        """
        raise Refused(self._complaint("error"))

    def _complaint(self, severity: Severity) -> Complaint:
        message = f"[{self.section}] is understood, and not run here"
        return Complaint(message, code=NOT_RUN, reason=self.why, severity=severity)
