"""What all plots of a report share: colours, style, legend, and SVG as a data URI.

Text, background and grid are drawn in three colours that are used for nothing else and are then replaced by
CSS variables: one SVG follows the light or dark theme of the page. It contains no date and no random id, so
equal folders give equal bytes.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from darknet_py.report.hover import POINTS_AN_INCH, Hover, Plot
from darknet_py.report.tables import label
from darknet_py.runs.records import VariantRuns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The baseline is grey; the others are colours of Okabe and Ito that are visible on white and on black.
PALETTE = ("#7d8590", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#a6761d")
INK, PAPER, HAIRLINE = "#010203", "#fdfeff", "#0a0b0c"
THEME = (
    "<style>:root{--ink:#24292f;--paper:#ffffff;--hairline:#d8dee4}"
    "@media screen and (prefers-color-scheme:dark)"
    "{:root{--ink:#d6dae0;--paper:#15181d;--hairline:#363c45}}</style>"
)
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "text.parse_math": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "darknet-py",
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "legend.frameon": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "axes.edgecolor": HAIRLINE,
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}
WIDTH_INCHES, MOST_INCHES = 10.6, 40
# Plots with a row or a point a variant show as many variants; of more the first ones.
MOST_VARIANTS = 40
MOST_IN_LEGEND = 12


def colour(at: int) -> str:
    """The colour of a variant, by its position in the comparison."""
    return PALETTE[at] if at < len(PALETTE) else PALETTE[1 + (at - 1) % (len(PALETTE) - 1)]


def stroke(at: int) -> Literal["-", "--"]:
    """The line style of a variant: dashed where the colours repeat."""
    return "-" if at < len(PALETTE) else "--"


def add_legend(figure: Figure, variants: Sequence[VariantRuns]) -> None:
    """Write the names of the variants above the plot."""
    from matplotlib.lines import Line2D

    names = [label(variant.name) for variant in variants]
    handles = [
        Line2D([], [], color=colour(at), linestyle=stroke(at), linewidth=2.4) for at in range(len(names))
    ]
    columns = max(1, min(4, 120 // (max(map(len, names)) + 6)))
    figure.legend(handles, names, loc="outside upper left", ncols=columns, handlelength=1.6)


def plot(draw: Callable[[Figure, Hover], None], *, height: float) -> Plot:
    """Draw on an empty figure, and mark the values that appear at the pointer; `height` in inches."""
    hover, height = Hover(), min(height, MOST_INCHES)
    uri = svg(lambda figure: draw(figure, hover), height=height)
    return hover.plot(uri, WIDTH_INCHES * POINTS_AN_INCH, height * POINTS_AN_INCH)


def svg(draw: Callable[[Figure], None], *, height: float) -> str:
    """Draw on an empty figure and return it as a data URI; `height` in inches."""
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    target = io.BytesIO()
    with style.context(["default", STYLE]), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box; matplotlib's warning about it would help nobody.
        warnings.simplefilter("ignore", UserWarning)
        size = WIDTH_INCHES, min(height, MOST_INCHES)
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(wspace=0.05))
        draw(figure)
        figure.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = target.getvalue().decode()
    text = text.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)").replace(HAIRLINE, "var(--hairline)")
    return data_uri("image/svg+xml", text.replace("<defs>", f"{THEME}<defs>", 1).encode())


def panels(figure: Figure, count: int) -> list[Axes]:
    """Axes next to each other that share the vertical axis."""
    return list(figure.subplots(1, count, sharey=True, squeeze=False)[0])


def data_uri(kind: str, data: bytes) -> str:
    """Bytes as a URI that needs no network.

    >>> data_uri("text/plain", b"hi")
    'data:text/plain;base64,aGk='
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
