"""The variants of a comparison: cfgs, and edits of cfgs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from darknet_py.cfg.document import Document, must_parse, read
from darknet_py.cfg.edits import Edit, cut_variant, parse_edits
from darknet_py.cfg.shipped import find_cfg
from darknet_py.compare.common_prefix import common_layer
from darknet_py.data.dataset import Dataset
from darknet_py.edit.overrides import apply_overrides
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.model.adapt.matching import correspondence, parse_pins
from darknet_py.train.recipe import prepare_graph
from darknet_py.train.settings import Settings


@dataclass(frozen=True)
class Variant:
    """A cfg with edits, as the command line names it: `CFG` or `CFG@EDIT,...`.

    Args:
        name: of the cfg with its own edits, without those that all variants have.
        edits: those of all variants, and then its own.
    """

    name: str
    cfg: Path
    edits: tuple[Edit, ...]

    @classmethod
    def parse(cls, text: str, edits_of_all: Sequence[Edit] = ()) -> Variant:
        """Read `cfg/yolov3-spp.cfg@82.size=19`.

        Args:
            edits_of_all: made before its own.

        Raises:
            DarknetPyError: when the cfg does not exist, or an edit cannot be read.
        """
        path, edits = (text, "") if Path(text).is_file() else cut_variant(text)
        cfg = find_cfg(path)
        name = re.sub(r"[^A-Za-z0-9._,=@+-]", "_", cfg.stem + (f"@{edits}" if edits else ""))
        return cls(name, cfg, (*edits_of_all, *(parse_edits(edits) if edits else ())))

    def document(self) -> Document:
        """The text with its edits.

        Raises:
            CfgError: when the cfg cannot be read, or an edit does not fit it.
        """
        return apply_overrides(must_parse(read(self.cfg)), self.edits)


@dataclass(frozen=True)
class FittedVariant:
    """A variant as it is trained.

    Args:
        graph: the network, fitted to the data and the recipe.
        changes: each key that was changed for that, as text.
    """

    variant: Variant
    graph: Graph
    changes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.variant.name


def parse_variants(texts: Sequence[str], edits_of_all: Sequence[Edit] = ()) -> tuple[Variant, ...]:
    """The variants that the command line names.

    Args:
        edits_of_all: made in every cfg; one that a variant makes itself comes after them.

    Raises:
        UsageError: when two have the same name, and so the same folder.
    """
    variants = tuple(Variant.parse(text, edits_of_all) for text in texts)
    names = [variant.name for variant in variants]
    for name in names:
        if names.count(name) > 1:
            hint = "name each once; files of one name need different stems"
            raise UsageError(f"two variants are called {name}", hint=hint)
    return variants


def fit_variants(
    variants: Sequence[Variant], data: Dataset, settings: Settings, *, epochs: float | None
) -> tuple[FittedVariant, ...]:
    """Fit every variant to the data that it is trained on, and compile it.

    Args:
        epochs: passes over the data; None leaves the length of the training to each cfg.

    Raises:
        CfgError: when a variant has errors.
        UsageError: when which layer the weights to start from belong to would be a guess, or the frozen
            layers are not the same.
    """
    fitted = []
    for variant in variants:
        graph, changes = prepare_graph(variant.document(), data, settings, epochs, edits=variant.edits)
        if settings.source:  # a guess is refused before anything is trained
            source = settings.source.graph
            try:
                correspondence(source, graph, parse_pins(settings.source.pins, source, graph))
            except UsageError as error:
                hint = f"{error.hint} in `train`; a comparison has no --map: leave this variant out"
                raise UsageError(error.message, where=variant.name, hint=hint) from None
        fitted.append(FittedVariant(variant, graph, tuple(changes)))
    if settings.prefix:
        common_layer(fitted, settings.prefix.layer)
    return tuple(fitted)
