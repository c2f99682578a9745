"""Warnings about a cfg that compiles: rules, their codes, and how they are reported.

The package can be called: `darknet_py.lint("yolov3-tiny")` gives diagnostics, see `lint.api`.
"""

from darknet_py.callable_package import make_callable

make_callable(__name__, "darknet_py.lint.api:lint")
