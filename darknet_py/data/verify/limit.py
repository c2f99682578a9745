"""How many images that cannot be read are left out of a data set before that is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass

from darknet_py.errors import UsageError, quoted

_LIMIT = re.compile(r"(\d{1,9})|(\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)


@dataclass(frozen=True)
class SkipLimit:
    """A number of images, or a share of those of a split; by default none.

    >>> SkipLimit.parse("1%").of(1234), SkipLimit.parse("5").of(1234)
    (12, 5)

    Args:
        text: as the user wrote it.
        percent: `text` is a percentage, else a number of images.
    """

    text: str = "0"
    value: float = 0.0
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> SkipLimit:
        """Read `12` or `0.5%`.

        Raises:
            UsageError: when it is neither.
        """
        found = _LIMIT.fullmatch(text)
        if found is None or float(found[2] or 0) > 100:
            hint = "a number of images, such as 12, or a share of them, 0% to 100%"
            raise UsageError(f"{quoted(text)} is not how many images may be skipped", hint=hint)
        return cls(text, float(found[1] or found[2]), percent=found[1] is None)

    def of(self, images: int) -> int:
        """The number for a split of so many images."""
        return int(images * self.value / 100) if self.percent else int(self.value)
