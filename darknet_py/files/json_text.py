"""JSON that every reader takes, of values that may hold the names of files."""

from __future__ import annotations

import json
import re
from typing import Any

# An escaped backslash, a pair of surrogates, or one without its other half.
_ESCAPES = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\u(d[89a-f][0-9a-f]{2})")


def json_text(value: Any, *, indent: int | None = None) -> str:
    r"""A value as JSON, in ASCII.

    A file's name may have bytes that are not UTF-8. Python keeps such a byte as half of a surrogate pair,
    which strict readers of JSON refuse. It is spelt instead, as in messages.

    >>> print(json_text(["caf\udce9.jpg", "dog"]))
    ["caf\\udce9.jpg", "dog"]
    """
    text = json.dumps(value, indent=indent, allow_nan=False)
    return _ESCAPES.sub(lambda found: rf"\\u{found[1]}" if found[1] else found[0], text)
