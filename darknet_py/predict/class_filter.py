"""The classes that a person asks for, of those of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from darknet_py.cfg.diagnostics import did_you_mean
from darknet_py.errors import UsageError, quoted
from darknet_py.predict.detections import Detections


def wanted_labels(text: str, names: Sequence[str]) -> frozenset[int]:
    """Labels of a list such as `dog, traffic light, 7`: names, in any case, and numbers from 0.

    >>> sorted(wanted_labels("Dog,0", ["cat", "dog"]))
    [0, 1]

    Raises:
        UsageError: when the network has no such class.
    """
    by_name: dict[str, list[int]] = {}
    for label, name in enumerate(names):
        by_name.setdefault(name.casefold(), []).append(label)
    labels: set[int] = set()
    for word in map(str.strip, text.split(",")):
        if word.casefold() in by_name:
            labels.update(by_name[word.casefold()])
        elif word.isascii() and word.isdigit() and int(word[:9]) < len(names):
            labels.add(int(word))
        else:
            guess = did_you_mean(word.casefold(), by_name)
            hint = f"did you mean `{quoted(guess)}`?" if guess else f"classes are {_listed(names)}"
            message = f"--classes: the network has no class `{quoted(word)}`"
            raise UsageError(message, hint=f"{hint}; a number from 0 to {len(names) - 1} does, too")
    return frozenset(labels)


def of_classes(found: Detections, labels: frozenset[int]) -> Detections:
    """The detections of these classes."""
    kept = np.isin(found.labels, sorted(labels))
    return replace(
        found, boxes_xyxy=found.boxes_xyxy[kept], scores=found.scores[kept], labels=found.labels[kept]
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(quoted(name, limit=40) for name in names[:10]) + more
