"""The card of a section: its declaration as text and as JSON, for `layers` and for docs/layers.md."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from darknet_py.cfg.keys import REQUIRED, Key, SameAs, keys_of, types_of
from darknet_py.layers.base import Layer
from darknet_py.layers.catalogue import ALIASES, CATALOGUE
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.laws import Law

TYPES: dict[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "0 or 1",
    str: "word",
    tuple[int, ...]: "whole numbers",
    tuple[float, ...]: "numbers",
}
OWNERS = ("own", "window", "layer")  # the order of keys on a card
SECTION = re.compile(r"\[\w+\]")
# Authors, a title in quotation marks, venue and year, and the preprint's number if there is one.
SOURCE = re.compile(
    r"(?:[A-Z][\w'-]*(?:, | and | et al\., ))*[A-Z][\w'-]*(?: et al\.)?, \"[^\"]+\", [^\".:]*?(?:19|20)\d\d"
    r"(?:, arXiv:\d{4}\.\d{4,5})?"
)


@dataclass(frozen=True)
class KeyCard:
    """One key: its type, range and meaning."""

    name: str
    type: str
    default: str
    range: str
    unit: str
    doc: str
    ignored: str
    refused: str
    not_run: str
    owner: str  # of OWNERS: declared by the section, by every window pool, by every layer

    @property
    def limit(self) -> str:
        """How and why it is not honoured; empty if it is."""
        reasons = {
            "ignored": self.ignored,
            "any other value is refused": self.refused,
            "with any other value the network is understood and not run": self.not_run,
        }
        return "; ".join(f"{what}: {why}" for what, why in reasons.items() if why)

    def to_json(self) -> dict[str, str | None]:
        """The fields as JSON; null for empty ones."""
        return {name: value or None for name, value in self.__dict__.items()}


@dataclass(frozen=True)
class Card:
    """The description of a section.

    Args:
        summary: the first line of its docstring.
        text: the other paragraphs, without the example.
        weights: the order of its arrays in a `.weights` file; empty if it has none.
    """

    section: str
    aliases: tuple[str, ...]
    summary: str
    text: tuple[str, ...]
    example: str
    keys: tuple[KeyCard, ...]
    sources: tuple[str, ...]
    relatives: tuple[str, ...]
    weights: str

    def to_json(self) -> dict[str, Any]:
        """The card as JSON; the keys are stable."""
        return {**self.__dict__, "keys": [key.to_json() for key in self.keys]}

    def own(self) -> tuple[KeyCard, ...]:
        """The keys that the section itself declares."""
        return tuple(key for key in self.keys if key.owner == "own")


def card(section: str) -> Card:
    """The card of a section of the catalogue, by its name or an alias."""
    cls = CATALOGUE[ALIASES.get(section, section)]
    first, *blocks = re.split(r"\n\s*\n", inspect.getdoc(cls) or "")
    examples = [block for block in blocks if SECTION.match(block.strip())]
    text = tuple(" ".join(block.split()) for block in blocks if block not in examples)
    summary, _, rest = first.partition("\n")
    text = (" ".join(rest.split()), *text) if rest else text
    return Card(
        section=cls.section,
        aliases=cls.aliases,
        summary=summary,
        text=text,
        example="\n\n".join(textwrap.dedent(block) for block in examples),
        keys=tuple(_keys(cls)),
        sources=tuple(SOURCE.findall(" ".join((summary, *text)))),
        relatives=tuple(_words(law) for law in getattr(cls, "laws", ())),
        weights="" if cls.arrays is Layer.arrays else " ".join((inspect.getdoc(cls.arrays) or "").split()),
    )


def cards() -> list[Card]:
    """Every card, `[net]` first, the others by name."""
    return [card(section) for section in sorted(CATALOGUE, key=lambda name: (name != "net", name.lower()))]


def is_pool(section: str) -> bool:
    """Whether a section is a pool."""
    return CATALOGUE[section].category == "pool"


def _keys(cls: type[Layer]) -> Iterator[KeyCard]:
    kinds = types_of(cls)
    declared = sorted(keys_of(cls).items(), key=lambda item: OWNERS.index(_owner(cls, item[0])))
    for field, key in declared:
        yield KeyCard(
            name=key.name,
            type=TYPES.get(kinds[field], str(kinds[field])),
            default=_default(key),
            range=_range(key),
            unit=key.unit,
            doc=key.doc,
            ignored=key.ignored,
            refused=key.refused,
            not_run=key.not_executable,
            owner=_owner(cls, field),
        )


def _owner(cls: type[Layer], field: str) -> str:
    declared = keys_of(cls)[field]
    if keys_of(Layer).get(field) == declared:
        return "layer"
    return "window" if issubclass(cls, WindowPool) and keys_of(WindowPool).get(field) == declared else "own"


def _default(declared: Key) -> str:
    value = declared.default
    if value is REQUIRED:
        return "needed"
    if isinstance(value, SameAs):
        return _following(value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _following(value: SameAs) -> str:
    """`size - 1`, if the rule adds a number; else the key that it follows."""
    try:
        shift = value.rule(10) - 10
        if shift == value.rule(20) - 20:
            return value.field + (f" {'-' if shift < 0 else '+'} {abs(shift)}" if shift else "")
    except TypeError:
        pass
    return f"from {value.field}"


def _range(declared: Key) -> str:
    if declared.one_of:
        return ", ".join(declared.one_of)
    least, most = declared.at_least, declared.at_most
    if declared.above is not None:
        limit = "" if most is None else f", at most {most:.10g}"
        return f"above {declared.above:.10g}{limit}"
    if least is not None and most is not None:
        return f"{least:.10g} .. {most:.10g}"
    if least is not None:
        return f"at least {least:.10g}"
    return "" if most is None else f"at most {most:.10g}"


def _words(law: Law) -> str:
    """A law as a sentence."""

    def listed(keys: Any) -> str:
        return ", ".join(f"{name} = {value}" for name, value in keys.items())

    other = f"[{law.section}]" + (f" with {listed(law.theirs)}" if law.theirs else "")
    relation = "is" if law.within <= 1e-5 else f"comes within {100 * law.within:g} % of"
    return (f"with {listed(law.keys)} it " if law.keys else "it ") + f"{relation} {other}"
