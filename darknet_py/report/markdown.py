"""Markdown from untrusted text: escaping, tables, code blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from darknet_py.report.tables import ReportTable

BREAKS = re.compile(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
ENTITIES: Mapping[str, str] = {c: f"&#{ord(c)};" for c in "|<>&@\\`*_[]{}#~$"}


def escape_markdown(text: str) -> str:
    """Text that Markdown shows unchanged, in a cell or at the start of a line.

    Special characters become entities and get no backslash: a table is split at its pipes before backslashes
    are read.

    >>> escape_markdown("a|b <i> `c`")
    'a&#124;b &#60;i&#62; &#96;c&#96;'
    """
    flat = BREAKS.sub(" ", text)
    flat = "".join(ENTITIES.get(c, c) for c in flat)
    flat = re.sub(r":(?!\s|$)", "&#58;", flat)
    flat = re.sub(r"(?i)www\.", lambda found: found[0][:-1] + "&#46;", flat)
    first = re.compile(r"^( *)([-+=]|\d+(?=[.]\s))")
    return first.sub(lambda found: f"{found[1]}&#{ord(found[2][0])};{found[2][1:]}", flat)


def table_to_markdown(table: ReportTable) -> str:
    """A GitHub table: the first column aligned left, numbers right."""
    rule = [":--", *["--:" if table.numbers else ":--"] * (len(table.head) - 1)]
    body = [[escape_markdown(cell) for cell in row] for row in (table.head, *table.rows)]
    lines = [body[0], rule, *body[1:]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def table_section(title: str, table: ReportTable) -> list[str]:
    """The paragraphs of a section that is a table: heading, table, caption."""
    return [f"## {title}", table_to_markdown(table), escape_markdown(table.caption)]


def code_block(text: str, *, language: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, 1 + longest)
    return f"{fence}{language}\n{text}\n{fence}"
