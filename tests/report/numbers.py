"""The numbers of a page's text, and whether a JSON file has them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|\d+(?:\.\d+)?")
THIN = "\N{NARROW NO-BREAK SPACE}"


class PageText(HTMLParser):
    """The text that a reader sees, one line an element."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._silent = 0
        self.feed(page.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"style", "script"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"style", "script"}

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.lines.append(data.strip())


def numbers_of(text: str) -> list[str]:
    """The numbers in a text, as they are printed; a thin space groups digits."""
    return NUMBER.findall(text.replace(THIN, "").replace("\N{MINUS SIGN}", "-"))


def values_of(value: object) -> Iterator[float | str]:
    """All numbers of a JSON value; those in texts and names as they are written."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers_of(key)
            yield from values_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from values_of(one)
    elif isinstance(value, str):
        yield from numbers_of(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def missing_numbers(page: Path, value: object) -> Counter[tuple[str, str]]:
    """The numbers of a page that a JSON value has not, with their lines.

    A printed number is a value of the JSON file, or 100 times it, rounded to its digits.
    """
    printed: dict[int, set[float]] = {}
    values = list(values_of(value))
    numbers = {one for one in values if not isinstance(one, str)}
    texts = {one.lstrip("+") for one in values if isinstance(one, str)}

    def has(number: str) -> bool:
        if number.lstrip("+") in texts:
            return True
        digits = len(number.partition("e")[0].partition(".")[2])
        if digits not in printed:
            printed[digits] = {round(scale * one, digits) for one in numbers for scale in (1, 100)}
        return float(number) in printed[digits] or any(f"{one:.4g}" == number for one in numbers)

    return Counter(
        (number, line) for line in PageText(page).lines for number in numbers_of(line) if not has(number)
    )
