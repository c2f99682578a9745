"""Programs for a race; a process imports them alone."""

from __future__ import annotations

import sys

from darknet_py.errors import UsageError


class Doubling:
    """A program; those below fail to start, to run, or to live."""

    def __call__(self):
        return lambda images: [2 * images]


class NotInstalled:
    def __call__(self):
        raise UsageError("the package is not installed", hint="pip installs it")


class Failing:
    def __call__(self):
        def run(images):
            raise ValueError("a shape\nand a trace")

        return run


class Dying:
    def __call__(self):
        sys.exit(7)
