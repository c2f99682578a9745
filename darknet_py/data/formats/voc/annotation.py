"""One annotation file of Pascal VOC: size, and name, corners and difficulty of each object."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from darknet_py.data.findings import Findings
from darknet_py.errors import quoted

MOST_BYTES = 16 << 20
MOST_DEPTH = 32
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class VocObject(NamedTuple):
    """Name of the class; x1, y1, x2, y2 as written, and their line; whether VOC's own scoring ignores it."""

    name: str
    corners: tuple[float, ...]
    line: int
    difficult: bool


class VocAnnotation(NamedTuple):
    """What an annotation file holds.

    Args:
        file_name: of the image, as the file has it.
        size: width and height; None where the file has none, or 0, as some tools write.
    """

    file: Path
    file_name: str
    size: tuple[int, int] | None
    objects: tuple[VocObject, ...]


class _Refused(Exception):
    """Something is wrong with an element, or with the complete file where the line is 0."""

    def __init__(self, code: str, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.line = code, message, line


def read_annotation(file: Path, findings: Findings) -> VocAnnotation | None:
    """Read an annotation file; objects that cannot be used are reported and left out.

    Returns: None where it is no such file, which is reported.
    """
    try:
        top, lines = _read_xml(file)
        reader = _Reader(file, lines, findings)
        size = reader.size(top)
        objects = [reader.object(element) for element in top.findall("object")]
    except _Refused as refused:
        findings.add(refused.code, refused.message, file, refused.line)
        return None
    name = (top.findtext("filename") or "").strip()
    return VocAnnotation(file, name, size, tuple(each for each in objects if each))


class _Reader:
    """Reads the elements of a file."""

    def __init__(self, file: Path, lines: dict[Element, int], findings: Findings) -> None:
        self.file, self.lines, self.findings = file, lines, findings

    def size(self, top: Element) -> tuple[int, int] | None:
        size = self._child(top, "size")
        sides = [int(self._number(size, side, 0, 1_000_000)) for side in ("width", "height")]
        return (sides[0], sides[1]) if all(sides) else None

    def object(self, element: Element) -> VocObject | None:
        try:
            name = (self._child(element, "name").text or "").strip()
            if not name or not name.isprintable():
                message = f"an object is called `{quoted(name)}`"
                raise _Refused("blank-name", message, self.lines[element])
            corners = self._child(element, "bndbox")
            numbers = tuple(self._number(corners, corner, -1e6, 1e6) for corner in CORNERS)
        except _Refused as refused:
            self.findings.add(refused.code, refused.message, self.file, refused.line)
            return None
        difficult = (element.findtext("difficult") or "0").strip() == "1"
        return VocObject(name, numbers, self.lines[corners], difficult)

    def _child(self, element: Element, tag: str) -> Element:
        child = element.find(tag)
        if child is None:
            raise _Refused("xml-element", f"<{element.tag}> has no <{tag}>", self.lines[element])
        return child

    def _number(self, element: Element, tag: str, least: float, most: float) -> float:
        child = self._child(element, tag)
        try:
            value = float(child.text or "")
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            message = f"<{tag}> is `{quoted(child.text)}`, not a number from {least:g} to {most:g}"
            raise _Refused("xml-number", message, self.lines[child])
        return value


def _read_xml(file: Path) -> tuple[Element, dict[Element, int]]:
    """Read an XML file without DTD or entities; also the line of every element."""
    builder, lines, depth = TreeBuilder(), {}, 0
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH:
            message = f"is nested more than {MOST_DEPTH} deep"
            raise _Refused("xml-refused", message, parser.CurrentLineNumber)
        lines[builder.start(tag, attributes)] = parser.CurrentLineNumber

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise _Refused("xml-refused", "has a DTD, which is not read", parser.CurrentLineNumber)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _Refused("too-large", f"has more than {MOST_BYTES} bytes")
        parser.Parse(file.read_bytes(), True)
        return builder.close(), lines
    except FileNotFoundError:
        raise _Refused("missing-file", "does not exist") from None
    except OSError as error:
        raise _Refused("unreadable", f"cannot be read: {error.strerror}") from None
    except (expat.ExpatError, ParseError, ValueError) as error:
        raise _Refused("not-xml", f"is not XML: {quoted(error)}") from None
