"""`attribute`: what pools are worth to trained weights, and what an edit does to them, without training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cli.options import (
    add_cfg,
    add_data,
    add_device,
    add_json,
    check_place,
    count,
    document_of,
    natural,
)
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_note, print_opening, print_result
from darknet_py.errors import UsageError

if TYPE_CHECKING:
    from darknet_py.analysis.attribution.effects import Effect
    from darknet_py.analysis.attribution.measure import Attribution
    from darknet_py.analysis.attribution.sites import Site
    from darknet_py.analysis.attribution.worth import BranchWorth, EditEffect, SiteWorth
    from darknet_py.graph.graph import Graph

NO_NORMS = "none"
EXPANDED = "the numbers of `edit --expand`"
RANGES = ("side to 1/2 window", "to 3/2", "larger")
EFFECTS = ("branch", "reliance", "muted", "muted, norms kept", "mean, norms kept", "Shapley")
SHARES = ("branch", "of weights", "of gradient", "maximum outside", *(f"reliance: {size}" for size in RANGES))
EDITS = ("edit", "from layer", "AP", "AP after", "gained", "gained, norms kept")
EDIT_SIZES = ("edit", "gained: small", "medium", "large")
READ_AS = (
    "This is what the trained weights rely on, not what training with or without a pool would give: "
    "`compare` trains."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_cfg(parser)
    parser.add_argument("--weights", required=True, type=Path, help="Darknet weights")
    add_data(parser)
    parser.add_argument("--split", help="the images that are scored (default: val, or all)")
    parser.add_argument(
        "--norms",
        default="train",
        metavar="SPLIT",
        help="the images by which batch normalisations behind a change are adjusted; labels are not read; "
        "none: they stay as they are (default: train)",
    )
    parser.add_argument(
        "--norm-images",
        type=count,
        metavar="N",
        help="use at most the first N images of --norms (default: half as many as are scored, at least 64)",
    )
    parser.add_argument("--names", type=Path, help="file of the network's class names")
    parser.add_argument(
        "--layer",
        action="append",
        type=natural,
        metavar="N",
        help="only the block that layer N is part of; may be repeated (default: every pool)",
    )
    parser.add_argument(
        "--what-if",
        action="append",
        metavar="EDIT,...",
        help="instead of measuring pools, print the AP after an edit that keeps the shapes of all weights, "
        "as in 82.size=19; may be repeated",
    )
    parser.add_argument("--out", type=Path, metavar="PNG", help="write the figures as a picture, too")
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    from darknet_py.analysis.attribution.sites import sites_of
    from darknet_py.edit.folding import expanded
    from darknet_py.lint.check import compile_checked

    if args.what_if and (args.layer or args.out):
        raise UsageError("--what-if goes without --layer and --out")
    if args.norms == NO_NORMS and args.norm_images:
        raise UsageError("--norm-images goes without --norms none, which reads no images")
    if args.out:
        _check_png(args.out)
    graph = compile_checked(document_of(args))
    flat = expanded(graph)
    sites = _chosen(sites_of(flat), args.layer)
    if not sites and not args.what_if:
        raise UsageError("the network has no pool", where=args.cfg, hint="--what-if takes any edit")
    attribution = _attribution(args, flat)
    if args.what_if:
        return _what_if(args, attribution, graph)
    if flat is not graph:
        print_note(args, f"note: composite layers are measured as sections: layers have {EXPANDED}")
    found = []
    for site in sites:
        title = f"layer {site.join}"
        with show_progress("changes", title=title, quiet=args.json) as progress:
            attribution.progress = progress
            found.append(attribution.worth(site))
    print_result(
        args,
        lambda: {**_facts(args, attribution), "sites": [one.to_json() for one in found]},
        lambda: _lines(args, attribution, found),
    )
    if args.out:
        from darknet_py.analysis.attribution.picture import picture
        from darknet_py.files.atomic import publish_bytes

        publish_bytes(args.out, picture(found, Path(args.cfg).stem))
        print_note(args, f"drawn      {args.out}")
    return 0


def _check_png(path: Path) -> None:
    """Refuse a place that cannot be written to, or another format, before anything is measured."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"--out {path}: is not the name of a PNG file", hint=f"--out {path.stem or 'a'}.png")
    check_place("--out", path)


def _chosen(sites: Sequence[Site], wanted: Sequence[int] | None) -> Sequence[Site]:
    """The sites that some layers are part of.

    Raises:
        UsageError: when a layer is part of none.
    """
    if wanted is None:
        return sites
    parts = {site: {site.join, *(branch.layer for branch in site.branches)} for site in sites}
    known = set().union(*parts.values())
    for layer in wanted:
        if layer not in known:
            hint = f"pools and their concatenations are {', '.join(map(str, sorted(known))) or 'none'}"
            raise UsageError(f"--layer {layer} is no pool", hint=hint)
    return [site for site, part in parts.items() if part & set(wanted)]


def _attribution(args: argparse.Namespace, flat: Graph) -> Attribution:
    """Open the weights and the data."""
    from darknet_py.analysis.attribution.measure import Attribution
    from darknet_py.data.formats.registry import open_data, split_to_evaluate
    from darknet_py.model.restoring import restore
    from darknet_py.predict.network_classes import names_file
    from darknet_py.tasks.api import open_in_network_order

    args.split = args.split or split_to_evaluate(args.data)
    network = restore(flat, args.weights)
    names = args.names or names_file((args.weights, Path(args.cfg)))
    data = open_in_network_order(network.graph, args.data, args.split, names=names)
    norm_data = None if args.norms == NO_NORMS else open_data(args.data, split=args.norms)
    print_opening(args, {args.split: data})
    return Attribution(network, data, norm_data, norm_images=args.norm_images)


def _facts(args: argparse.Namespace, attribution: Attribution) -> dict[str, Any]:
    return {
        "images": len(attribution.dataset),
        "split": args.split,
        "norm_images": attribution.norm_images,
        "norms": args.norms,
    }


def _what_if(args: argparse.Namespace, attribution: Attribution, graph: Graph) -> int:
    from darknet_py.analysis.attribution.editing import edited_network
    from darknet_py.cfg.edits import parse_edits
    from darknet_py.edit.overrides import apply_overrides
    from darknet_py.lint.check import compile_checked

    edited: dict[str, Graph] = {}
    for asked in args.what_if:
        document = apply_overrides(graph.document, parse_edits(asked))
        try:
            edited[asked] = compile_checked(document)
        except CfgError:
            print(f"{asked} gives no valid network:", file=sys.stderr)
            raise
        edited_network(attribution.network, edited[asked], asked)  # all are checked before any is measured
    found: dict[str, EditEffect] = {}
    for asked, other in edited.items():
        network, layer = edited_network(attribution.network, other, asked)
        with show_progress("evaluations", title=asked, quiet=args.json) as progress:
            attribution.progress = progress
            found[asked] = attribution.what_if(network, layer)
    print_result(
        args,
        lambda: {
            **_facts(args, attribution),
            "edits": [{"edit": asked, **one.to_json()} for asked, one in found.items()],
        },
        lambda: _edit_lines(args, attribution, found),
    )
    if len(attribution.network.graph) != len(graph):
        print_note(args, f"note: edits take the numbers of the cfg; `from layer` has {EXPANDED}")
    for warning in dict.fromkeys(text for one in found.values() for text in one.warnings):
        print_note(args, f"note: {warning}")
    return 0


def _points(effect: Effect | None) -> str:
    if effect is None:
        return "-"
    return f"{100 * effect.value:+.2f} ({100 * effect.low:+.2f} .. {100 * effect.high:+.2f})".replace(
        "-", "−"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}  {'  '.join(cells)}".rstrip()


def _lines(args: argparse.Namespace, attribution: Attribution, found: Sequence[SiteWorth]) -> Iterator[str]:
    """A table of effects, and one of shares, for every site."""
    yield _opening(args, attribution)
    for one in found:
        yield ""
        yield f"{_title(attribution, one)}: AP {100 * one.ap:.2f}"
        yield "AP lost, in points, and its 95 % interval over images; positive: the branch helps"
        yield from _table([EFFECTS, *(_effects(each) for each in one.branches)])
        yield from _table([SHARES, *(_shares(each) for each in one.branches)])
    yield ""
    yield "reliance: the next smaller pool takes the branch's place, of a pool on its own one cell"
    yield "side: of objects, over the branch's window on the network's input"
    yield READ_AS
    for warning in dict.fromkeys(text for one in found for text in one.warnings):
        yield f"note: {warning}"


def _opening(args: argparse.Namespace, attribution: Attribution) -> str:
    scored, others = f"{len(attribution.dataset)} images of {args.split}", attribution.norm_images
    if not others:
        return f"{scored}; batch normalisations stay as they are"
    return f"{scored}; batch normalisations behind a change are adjusted by {others} images of {args.norms}"


def _title(attribution: Attribution, one: SiteWorth) -> str:
    graph, site = attribution.network.graph, one.site
    if site.is_block:
        return f"block of layer {site.join}, on the map of layer {site.source}"
    return f"layer {site.join} [{graph[site.join].layer.section}], on its own"


def _named(each: BranchWorth) -> str:
    return f"{each.branch.layer}: {each.branch.size} x {each.branch.size}"


def _effects(each: BranchWorth) -> tuple[str, ...]:
    effects = (each.reliance, each.muted, each.muted_alone, each.mean, each.shapley)
    return (_named(each), *map(_points, effects))


def _shares(each: BranchWorth) -> tuple[str, ...]:
    outside = each.outside.all if each.outside else None
    shares = map(_share, (each.weight_share, each.gradient_share, outside))
    return (_named(each), *shares, *map(_points, each.by_size))


def _edit_lines(
    args: argparse.Namespace, attribution: Attribution, found: dict[str, EditEffect]
) -> Iterator[str]:
    yield _opening(args, attribution)
    yield ""
    rows = [
        (
            asked,
            str(one.layer),
            f"{100 * one.ap:.2f}",
            f"{100 * one.ap_edited:.2f}",
            _points(one.gained),
            _points(one.gained_alone),
        )
        for asked, one in found.items()
    ]
    yield from _table([EDITS, *rows])
    sizes = [(asked, *map(_points, one.by_size)) for asked, one in found.items()]
    yield from _table([EDIT_SIZES, *sizes])
    yield "AP gained, in points, and its 95 % interval over images; sizes of objects are COCO's"
    yield ""
    yield READ_AS
