"""A comparison: variants x seeds, trained and evaluated, resumable.

The package can be called: `darknet_py.compare(["yolov3-tiny", "yolov3-tiny@11.section=stochpool"], "scenes",
"runs/pools")` trains, compares and writes the report. `report` imports this package, so the function is
there, in `report.api`; it is imported when it is called.
"""

from darknet_py.callable_package import make_callable

__all__: list[str] = []

make_callable(__name__, "darknet_py.report.api:compare")
