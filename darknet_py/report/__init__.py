"""Run folders become a report: HTML, Markdown, JSON.

The package can be called: `darknet_py.report("runs/pools")` writes the report of a comparison again.
"""

from darknet_py.callable_package import make_callable

__all__: list[str] = []

make_callable(__name__, "darknet_py.report.again:report")
