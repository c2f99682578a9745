"""Names and prose use the field's standard terms. Oracle: the lists below, held against the source."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

PARTS = {  # parts of no name; what to say instead
    "fault": "error",
    "doubt": "warning",
    "told": "reported, printed",
    "tell": "report, print",
    "taught": "assigned",
    "teacher": "target assignment",
    "alike": "consistent",
    "blame": "diagnose",
    "blamed": "diagnosed",
    "lender": "weight source",
    "loan": "sharing",
    "heirs": "replacements",
    "elsewhere": "peer",
    "undoing": "inverse",
    "expanding": "composite",
    "unrun": "not executable",
    "spoilt": "damaged",
    "stranger": "untrusted",
    "resting": "frozen",
    "rests": "frozen",
    "beside": "next to",
    "apart": "separate",
}
DEFINED = {  # of no class, function or argument
    "whole_folder", "hand_out", "settle", "carry_out", "edited", "changed", "held", "shown", "common",
    "meeting", "how", "say", "says", "said", "watch", "sees", "Place", "GreatestAround", "BesideTheMap",
    "Ranks",
}  # fmt: skip
FILES = {"requests", "board", "ring", "reading", "groups", "sums", "common", "meeting", "place", "ranks"}
PROSE = re.compile(
    r"\b(faults?(?! tolerance)|doubts?|doubtful|taught|teachers?|spoilt|heirs?|lenders?|loans?|undoing|unrun"
    r"|blamed?|of a stranger|than its neighbour|alike|are told|is told|tells? (?:of|all|the|a)|resting)\b",
    re.IGNORECASE,
)
PLAIN = ("names-alike", "page fault", "tests/FAULTS.md", "FAULTS.md", "look alike", "segmentation fault")


def sources() -> list[Path]:
    """All that people read as code of ours."""
    return sorted(path for part in ("darknet_py", "bench") for path in (ROOT / part).rglob("*.py"))


def names_of(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Line and name of what a file defines, and whether it is more than a variable or an attribute."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.lineno, node.name, True
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, True
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id, False
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr, False


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Comments and strings, docstrings among them."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING) or token.type == getattr(
            tokenize, "FSTRING_MIDDLE", -1
        ):
            yield from enumerate(token.string.split("\n"), token.start[0])


def test_names_use_the_standard_terms() -> None:
    bad = [f"{path.relative_to(ROOT)}: its name" for path in sources() if path.stem in FILES]
    for path in sources():
        for line, name, defined in names_of(path):
            parts = {part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}
            singular = {part.removesuffix("s") for part in parts} | parts
            if found := [f"{part} ({PARTS[part]})" for part in singular & PARTS.keys()]:
                bad.append(f"{path.relative_to(ROOT)}:{line}: {name}: {', '.join(found)}")
            elif defined and name.lstrip("_") in DEFINED:
                bad.append(f"{path.relative_to(ROOT)}:{line}: {name}")
    assert not bad, "\n".join(bad)


def test_prose_uses_the_standard_terms() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    lines = [(path, found) for path in sources() for found in prose_of(path)]
    lines += [(path, found) for path in pages for found in enumerate(path.read_text().split("\n"), 1)]
    bad = []
    for path, (number, line) in lines:
        text = line
        for plain in PLAIN:
            text = text.replace(plain, "")
        if found := PROSE.search(text):
            bad.append(f"{path.relative_to(ROOT)}:{number}: {found.group()}: {line.strip()[:90]}")
    assert not bad, "\n".join(bad)


def test_a_class_name_has_one_meaning() -> None:
    where: dict[str, list[str]] = {}
    for path in sorted((ROOT / "darknet_py").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                where.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}
