"""A lab bench for YOLO cfg files: read them exactly, change a pool, train, and compare.

The public names are imported when they are first used (PEP 562): `import darknet_py` does not import torch.
`lint`, `train`, `compare`, `report` and `export` are subpackages that can be called (`callable_package.py`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darknet_py.data.formats.registry import open_data as open_data
    from darknet_py.deploy.api import export as export
    from darknet_py.lint.api import compile as compile
    from darknet_py.lint.api import lint as lint
    from darknet_py.model.api import load as load
    from darknet_py.model.network import Network as Network
    from darknet_py.predict.detections import Detections as Detections
    from darknet_py.predict.detector import Detector as Detector
    from darknet_py.report.again import report as report
    from darknet_py.report.api import compare as compare
    from darknet_py.tasks.api import evaluate as evaluate
    from darknet_py.train.api import train as train

__version__ = "0.1.0"
__all__ = [
    "Detections", "Detector", "Network", "__version__", "compare", "compile", "evaluate", "export", "lint",
    "load", "open_data", "report", "train",
]  # fmt: skip
CALLABLE_PACKAGES = ("compare", "export", "lint", "report", "train")
MODULES = {
    "Detections": "predict.detections",
    "Detector": "predict.detector",
    "Network": "model.network",
    "compile": "lint.api",
    "evaluate": "tasks.api",
    "load": "model.api",
    "open_data": "data.formats.registry",
}


def __getattr__(name: str) -> Any:
    if name in CALLABLE_PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
