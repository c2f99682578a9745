"""Our taste, executable. Oracle: the source itself, read with `ast` and `wc`."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from darknet_py.cfg.keys import keys_of
from darknet_py.layers.cards import is_pool
from darknet_py.layers.catalogue import CATALOGUE
from tests.paths import ROOT

PACKAGE = ROOT / "darknet_py"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES
}
LAYER_LINES, POOL_LINES, FILE_LINES, FUNCTION_LINES = 190, 80, 300, 40
FOLDER_FILES, LOOSE_FILES = 20, 5
ORDER = (  # a package imports those of earlier lines and of its own line, and nothing imports in a circle
    "errors boxes files progress callable_package",
    "cfg arithmetic",
    "ops onnx_ops layers",
    "graph",
    "lint edit draw",
    "model",
    "engines export losses data",
    "predict",
    "scoring stats deploy",
    "tasks distributed",
    "train runs",
    "analysis compare",
    "report",
    "lsp conform cli",
    "__init__ __main__",
)
NO_TORCH = ("errors.py", "files", "cfg", "arithmetic", "layers", "graph", "lint", "edit", "draw")
LONGER_POOLS = {"base", "maxpool", "mixpool", "spp", "unpool"}  # the window, many keys, modes, several maps
MENTIONS = {  # the pools that a file outside of layers/pools speaks of, and why
    ("avgpool", "layers/merging/scale_channels.py"): "the example: its scales are the means of a map",
    ("maxpool", "cli/layers.py"): "the example of a section's name in a help text",
    ("maxpool", "model/rewriting.py"): "large maxima of one map become a chain of small ones",
    ("maxpool", "analysis/attribution/shares.py"): "maxima nest: some lie outside a smaller window",
    ("spp", "model/adapt/terms.py"): "its branches are the channels of pools next to each other",
    ("maxpool", "model/adapt/terms.py"): "the maximum of maxima is the maximum of a larger window",
    ("bilinear", "data/augment/frame.py"): "the interpolation",
    ("bilinear", "predict/letterbox.py"): "the interpolation",
}
EXAMPLES = ("11.section=stochpool", "yolov3-spp", "yolov3-tiny-spp")  # of edits, and of names of cfgs
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rank(part: str) -> int:
    return next(i for i, parts in enumerate(ORDER) if part in parts.split())


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def top_level_imports(path: Path) -> set[str]:
    body = [n for n in ast.parse(path.read_text()).body if isinstance(n, (ast.Import, ast.ImportFrom))]
    return set(imports(ast.Module(body, [])))


def imported_modules(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports, inside functions too; not those for type checkers alone."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in skipped and isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner != "darknet_py.__version__":  # a constant, in a file that imports nothing
                    yield inner if inner in MODULES else node.module


def test_imports_point_one_way() -> None:
    back = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in SOURCES
        for name in imported_modules(path)
        if name in MODULES and rank(part_of(MODULES[name])) > rank(part_of(path))
    ]
    assert not back, "\n".join(back)


def test_no_module_imports_itself_through_others() -> None:
    graph = {name: set(imported_modules(path)) & MODULES.keys() for name, path in MODULES.items()}
    for name, others in graph.items():
        others -= {other for other in others if name.startswith(f"{other}.")}
    while leaves := {name for name, others in graph.items() if not others}:
        graph = {name: others - leaves for name, others in graph.items() if name not in leaves}
    while tops := graph.keys() - {other for others in graph.values() for other in others}:
        graph = {name: others for name, others in graph.items() if name not in tops}
    assert not graph, f"in circles or between them: {', '.join(sorted(graph))}"


def test_no_package_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        if part_of(path).startswith("__"):
            continue
        others = {part_of(MODULES[name]) for name in imported_modules(path) if name in MODULES}
        graph.setdefault(part_of(path), set()).update(others - {part_of(path), "__init__"})
    while leaves := {name for name, others in graph.items() if not others}:
        graph = {name: others - leaves for name, others in graph.items() if name not in leaves}
    while tops := graph.keys() - {other for others in graph.values() for other in others}:
        graph = {name: others for name, others in graph.items() if name not in tops}
    assert not graph, graph


def test_a_folder_has_at_most_20_files() -> None:
    folders = Counter(path.parent for path in SOURCES)
    assert {folder: n for folder, n in folders.items() if n > FOLDER_FILES} == {}


def test_at_most_5_modules_are_loose_at_the_top() -> None:
    loose = {path.stem for path in SOURCES if path.parent == PACKAGE} - {"__init__", "__main__"}
    assert len(loose) <= LOOSE_FILES, loose


def test_files_and_functions_stay_short() -> None:
    long = []
    for path in SOURCES:
        lines = path.read_text().count("\n")
        if lines > (
            LAYER_LINES
            if "layers" in path.relative_to(PACKAGE).parts and path.stem not in {"plugins", "cards"}
            else FILE_LINES
        ):
            long.append(f"{path.relative_to(PACKAGE)}: {lines} lines")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= FUNCTION_LINES:
                long.append(f"{path.relative_to(PACKAGE)}: {node.name}")
    assert not long, "\n".join(long)


def test_declared_pools_are_at_most_80_lines() -> None:
    pools = [p for p in (PACKAGE / "layers" / "pools").rglob("*.py") if p.stem not in LONGER_POOLS]
    for path in pools:
        assert path.read_text().count("\n") <= POOL_LINES, path.name


def test_what_reads_text_never_imports_torch_at_module_level() -> None:
    for path in SOURCES:
        if path.relative_to(PACKAGE).parts[0] in NO_TORCH:
            assert not {"torch", "numpy", "cv2"} & {name.split(".")[0] for name in top_level_imports(path)}, (
                path
            )


def test_no_file_is_called_after_nothing() -> None:
    assert not {p.stem for p in SOURCES} & BANNED_NAMES


def test_nothing_prints_below_the_verbs() -> None:
    for path in SOURCES:
        if part_of(path) not in {"cli", "__main__"}:
            calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
            assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], path


def test_no_code_of_strangers_is_run() -> None:
    text = {p: p.read_text() for p in SOURCES}
    for path, source in text.items():
        assert not re.search(
            r"(?<![.\w])(eval|exec)\(|shell=True|os\.system|import pickle|allow_pickle=True|import yaml",
            source,
        ), path


@pytest.mark.parametrize("section", sorted(CATALOGUE))
def test_every_section_has_a_file_a_docstring_an_example_and_documented_keys(section: str) -> None:
    cls = CATALOGUE[section]
    assert cls.__doc__
    assert f"[{section}]" in cls.__doc__
    assert all(declared.doc for declared in keys_of(cls).values())
    owners = [c for c in CATALOGUE.values() if c.__module__ == cls.__module__]
    assert owners == [cls], "one section, one file"
    assert cls.__module__.rpartition(".")[2] == section.lower(), "by this name it is found"


def test_a_new_section_is_known_from_its_file_alone() -> None:
    found = set()
    for section in filter(is_pool, CATALOGUE):
        word = re.compile(rf"(?<!\w){section}(?!\w)")
        for path in SOURCES:
            text = path.read_text()
            for example in EXAMPLES:
                text = text.replace(example, "")
            if "pools" not in path.parts and word.search(text):
                found.add((section, path.relative_to(PACKAGE).as_posix()))
    assert found == set(MENTIONS)


def test_the_sections_are_these() -> None:
    assert sorted(CATALOGUE) == [
        "Gaussian_yolo", "activation", "avgpool", "batchnorm", "bilinear", "blurpool", "connected",
        "contrastive", "conv_lstm", "convolutional", "cost", "crnn", "crop", "deconvolutional", "detection",
        "dropout", "empty", "gempool", "global_maxpool", "gru", "history", "implicit", "iseg", "l2norm",
        "local", "local_avgpool", "logistic", "lppool", "lsepool", "lstm", "maxpool", "medianpool",
        "minpool", "mixpool", "net", "netvlad", "normalization", "region", "reorg", "reorg3d", "rnn",
        "route", "sam", "scale_channels", "shortcut", "softmax", "softpool", "spp", "sppnet", "stochpool",
        "unpool", "upsample", "yolo",
    ]  # fmt: skip


def test_lint_and_show_do_without_torch() -> None:
    code = (
        "import sys; from darknet_py.__main__ import main;"
        "main(['show', 'yolov3-spp']); main(['lint', 'yolov3-spp']);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'cv2', 'matplotlib')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_project_file_keeps_opencv_four_for_tests_and_five_for_use() -> None:
    needs, _, tests = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")
    assert re.search(r'"opencv-python>=[\d.]+",', needs)
    assert '"opencv-python<5",' in tests
    assert '"torch>=2.10",' in needs
