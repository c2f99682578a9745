"""Golden. Oracle: the repository; links, paths, modules and test IDs in the documents must exist."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.test_house import ORDER, PACKAGE

ARCHITECTURE = ROOT / "docs" / "architecture.md"
FAULTS = ROOT / "tests" / "FAULTS.md"
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "cfg/*.md", "weights/*.md", "bench/*.md", "tests/**/*.md")
    for path in ROOT.glob(pattern)
)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
PATH = re.compile(
    r"(?<![\w./~-])(?:(?:darknet_py|tests|docs|cfg|bench)/[\w./*{},-]*[\w/*}]|[\w-]+(?:/[\w-]+)+\.py\b)"
)
MODULE = re.compile(r"\bdarknet_py(?:\.\w+)+")
FAULT_ID = re.compile(r"(?:(?<=_)|^)[A-Z]\d\d(?=[_ ])")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def broken_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if path.startswith(("http:", "https:")):
            continue
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            yield target


def dead_paths(page: Path) -> Iterator[str]:
    """Paths and modules of the repository that a page names and that do not exist."""
    text = page.read_text(encoding="utf-8")
    for name in PATH.findall(text):
        pattern = re.sub(r"\{.*\}", "*", name)  # a{b,c}d
        if not any(any(folder.glob(pattern)) for folder in (ROOT, page.parent)):
            yield name
    for name in MODULE.findall(text):
        module, _, attribute = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ImportError:
            if not hasattr(importlib.import_module(module), attribute):
                yield name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "CHANGELOG.md"],  # which names earlier paths too
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_paths_and_modules_that_a_page_names_exist(page: Path) -> None:
    assert list(dead_paths(page)) == []


def test_dead_links_and_paths_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b` heading\n[good](page.md#a-b-heading) [bad](none.md) [worse](#no-heading) [web](https://a.b)\n"
        "`tests/paths.py` `tests/none.py` `train/none.py` darknet_py.errors.quoted darknet_py.errors.none\n"
    )
    assert list(broken_links(page)) == ["none.md", "#no-heading"]
    assert list(dead_paths(page)) == ["tests/none.py", "train/none.py", "darknet_py.errors.none"]


def test_the_architecture_lists_every_package_and_the_order_of_imports() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    packages = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    assert [path.name for path in packages if f"`darknet_py/{path.name}/`" not in text] == []
    assert "\n".join(ORDER) in text


def test_every_fault_in_a_test_name_is_explained_and_no_other() -> None:
    named = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named.update(FAULT_ID.findall(node.name))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.update(FAULT_ID.findall(node.value))  # the name of a case, as "D01 no json"
    explained = re.findall(r"^\| ([A-Z]\d\d) \|", FAULTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(explained) == sorted(named)
