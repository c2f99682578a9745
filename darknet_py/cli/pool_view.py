"""`pool-view`: pools side by side on one picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from darknet_py.cli.options import add_json, count
from darknet_py.cli.terminal import print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("image", type=Path, help="a picture")
    parser.add_argument(
        "name", nargs="*", help="SECTION or SECTION@KEY=VALUE,... (default: all window pools)"
    )
    parser.add_argument("--size", type=count, default=5, help="side of the window (default: 5)")
    parser.add_argument("--stride", type=count, default=1, help="step of the window (default: 1)")
    parser.add_argument(
        "--out", type=Path, default=Path("pool-view.png"), help="the picture (default: pool-view.png)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Draw the picture."""
    from darknet_py.analysis.pool_view import maps_of, panels, picture, window_pools
    from darknet_py.data.images.read import read_image
    from darknet_py.files.atomic import publish_bytes

    maps = maps_of(read_image(args.image))
    columns = list(panels(list(maps.values()), args.name, size=args.size, stride=args.stride))
    publish_bytes(args.out, picture(columns, list(maps)))
    pools = list(args.name or window_pools())
    size, stride, out = args.size, args.stride, args.out
    facts = {"out": str(out), "image": str(args.image), "pools": pools, "size": size, "stride": stride}
    text = f"{out}: {len(pools)} pools of size {size} and stride {stride} on {args.image}"
    print_result(args, lambda: facts, lambda: [text])
    return 0
