"""The packages of the engines, imported when one is opened."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from darknet_py.errors import UsageError

PACKAGES = {  # what pip installs each by
    "onnxruntime": "pip install onnxruntime",
    "onnx": "pip install onnx",
    "openvino": "pip install 'darknet-cfg[openvino]'",
    "torch": "pip install torch",
}


def library(name: str) -> ModuleType:
    """Import a package of an engine.

    Raises:
        UsageError: when it is not installed, or does not load.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise _broken(name, error) from None
        hint = f"`{PACKAGES[name]}` installs it"
        raise UsageError(f"the package {name} is not installed", hint=hint) from None
    except (ImportError, OSError) as error:
        raise _broken(name, error) from None


def _broken(name: str, error: Exception) -> UsageError:
    reason = str(error).split("\n")[0]
    hint = f"`{PACKAGES[name]} --force-reinstall` installs it again"
    return UsageError(f"the package {name} is installed, and does not load: {reason}", hint=hint)
