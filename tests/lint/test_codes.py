"""Property. Oracle: the codes in the source of the package, and those that `lint --codes` lists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import darknet_py
from darknet_py.__main__ import main
from darknet_py.cfg.document import parse
from darknet_py.lint.check import diagnose

PACKAGES = ("cfg", "layers", "graph", "lint")  # what diagnostics of cfgs come from
CODE = re.compile(r"[a-z]+(?:-[a-z]+)+")
PLACES = {"Complaint": (2, 5), "Diagnostic": (1, 0), "error": (0, None)}  # of code and severity
NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"
CONV = "[convolutional]\nfilters=18\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1\nanchors=10,14,23,27,37,58\nclasses=4\nnum=2\n"


def literals(node: ast.AST) -> set[str]:
    return {c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str)}


def argument(call: ast.Call, name: str, place: int | None) -> ast.expr | None:
    named = next((k.value for k in call.keywords if k.arg == name), None)
    return named or (call.args[place] if place is not None and place < len(call.args) else None)


def emitted(function: ast.AST) -> Iterator[tuple[str, str]]:
    """Code and severity of each complaint; a variable may hold any literal of its function."""
    for call in ast.walk(function):
        if not (isinstance(call, ast.Call) and isinstance(call.func, (ast.Name, ast.Attribute))):
            continue
        name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
        if name not in PLACES:
            continue
        code, severity = (
            argument(call, w, p) for w, p in zip(("code", "severity"), PLACES[name], strict=True)
        )
        known = {code.value} if isinstance(code, ast.Constant) else {"bad-value"} if code is None else set()
        codes = known or {text for text in literals(function) if CODE.fullmatch(text)}
        words = {"error"} if severity is None else literals(severity) or {"error", "warning"}
        for one in codes:
            if not isinstance(severity, ast.Name) or isinstance(code, ast.Constant):
                yield from ((str(one), word) for word in words)


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, set[str]]:
    with pytest.raises(SystemExit):
        main(["lint", "--codes"])
    warnings, _, errors = capsys.readouterr().out.partition("errors:\n")
    lines = {"warning": warnings.splitlines()[1:], "error": errors.splitlines()}
    return {word: {line.split()[0] for line in of} for word, of in lines.items()}


def test_D16_every_code_that_the_package_emits_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    found = set()
    for package in PACKAGES:
        for path in (Path(darknet_py.__file__).parent / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    found |= set(emitted(node))
    codes = listed(capsys)
    missing = sorted((code, word) for code, word in found if word in codes and code not in codes[word])
    assert not missing
    assert ("bad-anchors", "warning") in found
    assert len({code for code, _ in found}) > 30


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (NET + CONV + YOLO, "bad-anchors"),
        (NET + CONV + "name=conv1/bn\n", "bad-name"),
        (NET + CONV + "name=a\n" + CONV + "name=a\n", "duplicate-name"),
    ],
)
def test_a_warning_whose_code_is_also_an_errors_can_be_switched_off(
    text: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.cfg").write_text(text)
    assert main(["lint", str(tmp_path / "a.cfg"), "--strict"]) == 1
    assert f"warning[{code}]" in capsys.readouterr().out
    assert main(["lint", str(tmp_path / "a.cfg"), "--strict", "--off", code]) == 0


@pytest.mark.parametrize("name", ["conv1/bn", "9a", "res.2", "conv-3"])
def test_D16_names_of_another_tool_are_one_warning(name: str) -> None:
    text = NET + "".join(f"{CONV}name={name}\n" for _ in range(4))
    (warning,) = diagnose(parse(text))
    assert (warning.severity, warning.span.line) == ("warning", 8)
    assert warning.reason == "no reference uses names here, so that it is ignored, like 3 more"


def test_D16_a_repeated_name_is_an_error_where_a_reference_uses_it() -> None:
    text = NET + (CONV + "name=a\n") * 2
    assert [(d.severity, d.code) for d in diagnose(parse(text))] == [("warning", "duplicate-name")]
    (error,) = diagnose(parse(text + "[route]\nlayers=@a\n"))
    assert (error.severity, error.code) == ("error", "duplicate-name")


def test_D16_json_carries_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.cfg").write_text(NET + CONV + "max_epochs=3\n")
    assert main(["lint", str(tmp_path / "a.cfg"), "--json"]) == 0
    assert '"reason": "Darknet ignores it too"' in capsys.readouterr().out


@pytest.mark.parametrize("depth", [3, 40, 200])
def test_D16_a_long_path_keeps_the_files_name_and_the_line(depth: int) -> None:
    path = "/home/" + "folder/" * depth + "yolov4-custom.cfg"
    (error,) = diagnose(parse(NET + CONV.replace("18", "x"), path=path))
    place = str(error).split(": error[")[0]
    assert place.endswith("folder/yolov4-custom.cfg:6:9")
    assert place.startswith("/home/folder/")
    assert len(place) <= 130
