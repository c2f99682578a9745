"""Networks for other programs: ONNX, from declarations and weights by numpy alone.

The package can be called: `darknet_py.export("yolov3-tiny", "yolov3-tiny.weights", "net.onnx")` writes a file
that was compared with the network. Engines import this package, so the function is in `deploy.api`, and is
imported when it is called.
"""

from typing import TYPE_CHECKING

from darknet_py.callable_package import make_callable

if TYPE_CHECKING:
    from darknet_py.deploy.settings import ExportSettings as ExportSettings

__all__: list[str] = []

make_callable(__name__, "darknet_py.deploy.api:export", lazy={"ExportSettings": "darknet_py.deploy.settings"})
