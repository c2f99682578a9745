"""A comparison: variants x seeds, trained and evaluated, resumable.

The package can be called: `darknet_py.compare(["yolov3-tiny", "yolov3-tiny@11.section=stochpool"], "scenes",
"runs/pools")` trains and compares, see `compare.api`.
"""

from darknet_py.callable_package import make_callable

__all__: list[str] = []

make_callable(__name__, "darknet_py.compare.api:compare")
