"""Story. An activation of a person's own: every verb knows it, and its gradient is the formula's."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from darknet_py.__main__ import main
from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.layers.plugins import fingerprint_of, load_plugins
from darknet_py.layers.transforms.activations import ACTIVATIONS
from darknet_py.lint.check import compile_checked
from darknet_py.model.network import Network
from tests.paths import ROOT

FILE = ROOT / "docs" / "examples" / "tanhexp.py"
CFG = """[net]
width=8
height=8
channels=3
[convolutional]
filters=4
size=3
pad=1
activation=tanhexp
[shortcut]
from=-1
activation=tanhexp
"""


@pytest.fixture(autouse=True)
def _no_plugin_stays() -> Iterator[None]:
    yield
    load_plugins([])


def test_D16_an_activation_is_plugged_in_like_a_layer() -> None:
    (plugin,) = load_plugins([FILE])
    assert plugin.activations == {"tanhexp"}
    document = parse(CFG)
    assert list(fingerprint_of([plugin], document)["plugins"]) == ["tanhexp.py"]
    network = Network(compile_checked(document))
    image = torch.randn(2, 3, 8, 8)
    conv, out = network.trace(image)
    weight, bias = (p.detach() for p in weights(network))
    raw = torch.nn.functional.conv2d(image, weight, bias, padding=1)
    torch.testing.assert_close(conv, raw * raw.exp().tanh())
    torch.testing.assert_close(out, 2 * conv * (2 * conv).exp().tanh())


def weights(network: Network) -> tuple[torch.Tensor, torch.Tensor]:
    by_size = sorted(network.parameters(), key=lambda p: -p.dim())
    return by_size[0], by_size[1]


def test_its_gradient_is_by_autograd() -> None:
    load_plugins([FILE])
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
    ACTIVATIONS["tanhexp"]()(x).sum().backward()
    t = x.detach().exp().tanh()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, t + x.detach() * x.detach().exp() * (1 - t**2))


def test_it_is_suggested_where_it_is_loaded_and_unknown_elsewhere() -> None:
    load_plugins([FILE])
    with pytest.raises(CfgError, match="did you mean `tanhexp`"):
        compile_checked(parse(CFG.replace("tanhexp", "tanhexpp")))
    load_plugins([])
    assert "tanhexp" not in ACTIVATIONS
    with pytest.raises(CfgError, match="activation=tanhexp is not known"):
        compile_checked(parse(CFG))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('def mish(x):\n    """Taken."""\n    return x\n', "activation=mish is declared already"),
        ("def mine(x):\n    return x\n", "the activation mine has no docstring"),
    ],
)
def test_a_wrong_declaration_is_one_message(
    body: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(FILE.read_text().partition("@")[0] + "@activation_function\n" + body)
    (tmp_path / "a.cfg").write_text(CFG)
    assert main(["lint", str(tmp_path / "a.cfg"), "--plugin", str(tmp_path / "mine.py")]) == 3
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err


def test_conform_finds_what_is_wrong_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = FILE.read_text().partition("@")[0] + "@activation_function\n"
    (tmp_path / "bad.py").write_text(head + 'def root(x):\n    """sqrt(x)."""\n    return x.sqrt()\n')
    assert main(["conform", str(tmp_path / "bad.py")]) == 1
    out = capsys.readouterr().out
    assert "root: 4 checks, 3 failed" in out
    assert "the value at -40 is nan" in out


def test_the_page_has_the_file_and_lint_does_without_torch() -> None:
    page = (ROOT / "docs" / "write-an-activation.md").read_text()
    (text,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert text == FILE.read_text()
    code = (
        "import sys; from darknet_py.__main__ import main;"
        f"main(['lint', 'yolov3-tiny', '--plugin', {str(FILE)!r}]);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
