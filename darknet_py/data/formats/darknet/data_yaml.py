"""`data.yaml`, as YOLOv5 and later describe a data set: names, and where the images of each split are.

    path: ../pets            # from the folder of this file
    train: images/train      # a folder, a list of images, or several of them
    val: images/val
    names: [cat, dog]        # or a line each, or numbered: `0: cat`

These keys and `nc` and `test` are read, and nothing else: this is no YAML reader. Lists and mappings of one
level are understood, quoted or not; every value is text (a class may be called `no`). Anchors, aliases and
tags, by which a small file stands for a large or an active one, are errors. The time is linear in the size of
the file, which is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from darknet_py.data.findings import Findings
from darknet_py.data.formats.text_lines import read_text
from darknet_py.errors import quoted

MOST_BYTES = 1 << 20  # LVIS's 1203 names have 40 KB
SPLIT_KEYS = ("train", "val", "test")
READ = ("path", *SPLIT_KEYS, "names", "nc")
_KEY = re.compile(r"""(?P<quote>["']?)(?P<key>[^\s"'#:{}\[\],&*!|>%@`-][^"'#:]*)(?P=quote)\s*:(?:\s+|$)""")
_WORD = re.compile(r"""\s*(?:("(?:[^"\\]|\\.)*")|'((?:[^']|'')*)'|([^\s,\[\]{}"'][^,\[\]{}]*))?\s*""")
_NUMBERED = re.compile(r"""\s*["']?(\d{1,6})["']?\s*:(?:\s+|$)""", re.ASCII)
_ACTIVE = "&*!|>%@`"  # what begins with one of these is more than plain text
_NOTHING = ("", "~", "null", "Null", "NULL")

Value = str | list[str] | dict[int, str]


class _NotRead(Exception):
    """A value that is not understood, and its line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message, self.line = message, line


@dataclass
class DataYaml:
    """What a file says: values by their keys, and the line of each; keys that are not read are left out."""

    file: Path
    values: dict[str, Value] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    @property
    def names_classes(self) -> bool:
        """Whether class names are given, or their number, even where they cannot be read."""
        return "names" in self.lines or "nc" in self.lines

    def names(self, findings: Findings) -> list[str]:
        """The class names; where there are none, as many numbers as `nc` says."""
        names = self.values.get("names", [])
        if isinstance(names, str):
            self._report(findings, "data-yaml", "names", "is neither a list nor a mapping of numbers")
            return []
        if isinstance(names, dict):
            missing = next((number for number in range(len(names)) if number not in names), None)
            if missing is not None:
                self._report(findings, "names-count", "names", f"has {len(names)} names, and no {missing}")
                return []
            names = [names[number] for number in range(len(names))]
        count = self.values.get("nc")
        if count is None:
            return names
        if not isinstance(count, str) or not re.fullmatch(r"[1-9]\d{0,5}", count, re.ASCII):
            self._report(findings, "classes-value", "nc", "is not a whole number from 1 to 999999")
        elif names and int(count) != len(names):
            self._report(findings, "names-count", "nc", f"is {count}, but there are {len(names)} names")
        elif not names:
            return [str(number) for number in range(int(count))]
        return names

    def paths(self, split: str) -> list[str]:
        """The folders and lists of a split, as they are written; none where it has none."""
        value = self.values.get(split, [])
        return (
            [value] if isinstance(value, str) else list(value.values() if isinstance(value, dict) else value)
        )

    @property
    def root(self) -> Path:
        """The folder that paths start from."""
        path = self.values.get("path")
        return self.file.parent / path if isinstance(path, str) else self.file.parent

    def _report(self, findings: Findings, code: str, key: str, message: str) -> None:
        findings.add(code, f"`{key}` {message}", self.file, self.lines[key])


def read_data_yaml(file: Path, findings: Findings) -> DataYaml:
    """Read the keys; what is not understood in one of them is reported."""
    text = read_text(file, findings, most=MOST_BYTES)
    found = DataYaml(file)
    for key, at, lines in _sections((text or "").splitlines(), file, findings):
        if key not in READ:
            found.ignored.append(key)
        elif key in found.lines:
            findings.add("data-duplicate-key", f"`{key}` is given twice", file, at)
        else:
            found.lines[key] = at
            try:
                value = _value(lines, at)
            except _NotRead as error:
                findings.add("data-yaml", f"`{key}` {error.message}", file, error.line)
                continue
            if value not in _NOTHING:
                found.values[key] = value
    return found


def _sections(lines: list[str], file: Path, findings: Findings) -> Iterator[tuple[str, int, list[str]]]:
    """Each key that begins a line: its line, and the lines of its value, the first without the key."""
    key, at, value = "", 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if line.startswith("...") or (line.startswith("---") and key):
            break
        begins = _KEY.match(line) if line[:1] not in (" ", "\t", "-") else None
        if begins:
            if key:
                yield key, at, value
            key, at, value = begins["key"].strip(), number, [line[begins.end() :]]
        elif key:
            value.append(line)
        elif line.strip() and line.lstrip()[0] != "#" and line[0] not in "-%":
            findings.add("data-yaml", f"`{quoted(line.strip())}` is not `key: value`", file, number)
            return
    if key:
        yield key, at, value


def _value(lines: list[str], at: int) -> Value:
    """Read the value of a key: text, a list or a mapping, on its line or on those below."""
    plain = [_without_comment(line) for line in lines]
    first = plain[0].strip()
    if first[:1] in ("[", "{") or (not first and _opens_below(plain)):
        return _flow("\n".join(plain), at)
    below = [(number, line.strip()) for number, line in enumerate(plain[1:], at + 1) if line.strip()]
    if first:
        if below:
            raise _NotRead("goes on in another line, which is not read", below[0][0])
        return _scalar(first, at)
    if below and below[0][1].startswith("-"):
        return [_item(line, number) for number, line in below]
    numbered: dict[int, str] = {}
    for number, line in below:
        match = _NUMBERED.match(line)
        if not match:
            raise _NotRead(f"holds `{quoted(line)}`, which is neither `- name` nor `0: name`", number)
        if int(match[1]) in numbered:
            raise _NotRead(f"gives {match[1]} twice", number)
        numbered[int(match[1])] = _scalar(line[match.end() :], number)
    return numbered or ""


def _opens_below(plain: list[str]) -> bool:
    return next((line.strip() for line in plain if line.strip()), "")[:1] in ("[", "{")


def _item(line: str, at: int) -> str:
    if not re.match(r"-(\s|$)", line):
        raise _NotRead(f"holds `{quoted(line)}`, which does not begin with `- `", at)
    return _scalar(line[1:], at)


def _flow(text: str, at: int) -> Value:
    """Read `[a, b]` or `{0: a, 1: b}`."""
    place, values, numbers = next(re.finditer(r"[\[{]", text)).start(), list[str](), list[int]()
    mapping, mark = text[place] == "{", ","

    def refused(message: str) -> _NotRead:
        return _NotRead(message, at + text.count("\n", 0, place))

    while mark == ",":
        place += 1
        number = _NUMBERED.match(text, place) if mapping else None
        word = _WORD.match(text, number.end() if number else place)
        assert word is not None, "it matches nothing, too"
        if word[0].strip():
            if mapping and not number:
                raise refused(f"holds `{quoted(word[0].strip())}`, which is not `0: name`")
            values.append(_scalar(word[0], at))
            numbers.append(int(number[1]) if number else len(numbers))
        place, mark = word.end(), text[word.end() : word.end() + 1]
    if mark != ("}" if mapping else "]"):
        raise refused(f"has `{quoted(mark)}` where `,` or its end is expected" if mark else "has no end")
    if text[place + 1 :].strip():
        raise refused(f"goes on after its `{mark}`")
    if len(set(numbers)) != len(numbers):
        raise refused("gives a number twice")
    return dict(zip(numbers, values, strict=True)) if mapping else values


def _scalar(text: str, at: int) -> str:
    """Text, with its quotes removed."""
    text = text.strip()
    if text[:1] == '"' and text[-1:] == '"' and len(text) > 1:
        try:
            return str(json.loads(text))
        except ValueError:
            raise _NotRead(f"holds {quoted(text)}, whose escapes are not read", at) from None
    if text[:1] == "'" and text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text[:1] and text[0] in _ACTIVE:
        raise _NotRead(f"holds `{quoted(text)}`: anchors, aliases, tags and blocks are not read", at)
    if text[:1] in ("[", "{", '"', "'") or re.search(r":(\s|$)", text):
        raise _NotRead(f"holds `{quoted(text)}`, which is not one line of text", at)
    return text


def _without_comment(line: str) -> str:
    """The line up to a `#` that begins a word outside of quotes."""
    quote, before = "", " "
    for at, character in enumerate(line if "#" in line else ""):
        if quote:
            quote = "" if character == quote and (before != "\\" or quote == "'") else quote
        elif character == "#" and before.isspace():
            return line[:at]
        elif character in "\"'" and before in " \t[{,":
            quote = character
        before = character
    return line
