"""Property. Oracle: Python's own rules of modules, attributes and calls."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

import darknet_py


@pytest.mark.parametrize(("name", "home"), [("compare", "report"), ("lint", "lint"), ("train", "train")])
def test_a_package_is_a_function_with_the_signature_of_its_function(name: str, home: str) -> None:
    package = getattr(darknet_py, name)
    assert callable(package)
    assert inspect.ismodule(package)
    assert package is sys.modules[f"darknet_py.{name}"]
    assert inspect.signature(package) == inspect.signature(
        sys.modules[f"darknet_py.{home}.api"].__dict__[name]
    )


FIRST = "darknet_py.train.loop", "darknet_py.train.replaying", "darknet_py.train.api", "darknet_py"
NAMES_OF_TRAIN = """
import importlib, os, sys
import torch, cv2  # once for all; nothing of the package is imported yet
assert not any(name.startswith("darknet_py") for name in sys.modules)
for first in sys.argv[1:]:
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0, first
        continue
    importlib.import_module(first)
    import darknet_py
    from darknet_py.train import Replay, replay, Settings
    right = callable(darknet_py.train) and callable(replay) and darknet_py.train.replay is replay
    os._exit(0 if right and darknet_py.train.Settings is Settings else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
def test_names_of_a_package_do_not_depend_on_what_was_imported_first() -> None:
    command = [sys.executable, "-c", NAMES_OF_TRAIN, *FIRST]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    for owner in (darknet_py, darknet_py.train):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = owner.nothing


def test_lint_is_called_without_torch() -> None:
    code = (
        "import sys, darknet_py; darknet_py.lint('yolov3-tiny'); darknet_py.compile('yolov3-tiny');"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_cfg_is_a_text_where_it_has_a_line_break() -> None:
    (found,) = darknet_py.lint("[net]\nwidth=32\nheight=32\nchannels=3\n[dropout]\nprobability=2\n")
    assert (found.code, found.span.line) == ("out-of-range", 6)
