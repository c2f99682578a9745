"""The pictures of a report, as data URIs: SVG for plots, JPEG for samples.

Ink, paper and hairlines are drawn in three colours that nothing else has, and are then replaced by CSS
variables: one SVG follows the light or dark theme of its reader. No date and no random id gets into a file,
so equal folders give equal bytes.
"""

from __future__ import annotations

import base64
import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from darknet_py.report.tables import label
from darknet_py.runs.curves import thinned
from darknet_py.runs.records import Comparison, Variant
from darknet_py.stats.verdict import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The baseline is grey; the others are Okabe and Ito's colours that stand on white and on black.
PALETTE = ("#7d8590", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#a6761d")
INK, PAPER, HAIRLINE = "#010203", "#fdfeff", "#0a0b0c"
THEME = (
    "<style>:root{--ink:#24292f;--paper:#ffffff;--hairline:#d8dee4}"
    "@media (prefers-color-scheme:dark){:root{--ink:#d6dae0;--paper:#15181d;--hairline:#363c45}}</style>"
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
WIDTH_INCHES = 10.6
MOST_ROWS, MOST_CURVES, MOST_BARS, MOST_BAR_VARIANTS = 40, 12, 20, 8
CURVE_POINTS = 200
SAMPLE_PX = 420


def colour(at: int) -> str:
    """The colour of a variant, by its place in the comparison."""
    return PALETTE[at] if at < len(PALETTE) else PALETTE[1 + (at - 1) % (len(PALETTE) - 1)]


def stroke(at: int) -> Literal["-", "--"]:
    """The line of a variant: where the colours begin again, it is dashed."""
    return "-" if at < len(PALETTE) else "--"


def dots_plot(comparison: Comparison) -> str:
    """The judged figures of each variant: a dot a seed, a line over the range, the baseline's as a band."""
    variants = comparison.variants[:MOST_ROWS]

    def draw(figure: Figure) -> None:
        metrics = comparison.metrics
        panels = figure.subplots(1, len(metrics.judged), sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, metrics.judged, strict=True):
            _dots(axes, [variant.values(metric) for variant in variants])
            axes.set_title(f"{metrics.words[metric]} x 100")
        panels[0].set_yticks(range(len(variants)), [label(variant.name) for variant in variants])
        panels[0].set_ylim(len(variants) - 0.4, -0.6)

    return svg(draw, height=0.7 + 0.42 * len(variants))


def _dots(axes: Axes, rows: Sequence[Sequence[float | None]]) -> None:
    axes.grid(visible=False, axis="y")
    for at, values in enumerate(rows):
        found = spread(values)
        if found is None:
            continue
        ends = [found.low * 100, found.high * 100]
        if at == 0:
            axes.axvspan(ends[0], ends[1], color=colour(0), alpha=0.16, linewidth=0)
        axes.plot(ends, [at, at], color=colour(at), linewidth=2, solid_capstyle="round")
        dots = [value * 100 for value in found.values]
        axes.scatter(
            dots, [at] * len(dots), s=46, color=colour(at), edgecolors=PAPER, linewidths=1.1, zorder=3
        )
    axes.margins(x=0.08)


def curves_plot(comparison: Comparison) -> str:
    """Loss (neighbours averaged) and figures over the epochs: a colour a variant, a line a seed."""
    variants = comparison.variants[:MOST_CURVES]

    def draw(figure: Figure) -> None:
        loss, figures = figure.subplots(1, 2)
        metrics = comparison.metrics
        longest = max(run.training.epochs for variant in variants for run in variant.runs)
        for at, variant in reversed(list(enumerate(variants))):
            for run in variant.runs:
                _line(loss, thinned(run.curves.loss, CURVE_POINTS), at, scale=1)
                for number, key in enumerate(metrics.curves):
                    points = thinned(run.curves.figures[key], CURVE_POINTS)
                    _line(figures, points, at, scale=100, faint=number > 0)
        _log_scale(loss, [height for v in variants for run in v.runs for _, height in run.curves.loss])
        words = ", faint: ".join(metrics.words[key] for key in metrics.curves)
        for axes, title in ((loss, "loss"), (figures, f"{words} x 100")):
            axes.set_title(title)
            axes.set_xlabel("epochs")
            axes.set_xlim(0, longest or 1)
        _legend(figure, variants)

    return svg(draw, height=3.7)


def _line(
    axes: Axes, points: Sequence[tuple[float, float]], at: int, *, scale: float, faint: bool = False
) -> None:
    x, y = [epoch for epoch, _ in points], [value * scale for _, value in points]
    marker = "o" if 0 < len(points) < 40 else ""
    axes.plot(
        x,
        y,
        color=colour(at),
        linestyle=stroke(at),
        linewidth=1.3,
        marker=marker,
        markersize=2.6,
        alpha=0.4 if faint else 0.9,
    )


def _log_scale(axes: Axes, heights: Sequence[float]) -> None:
    """A loss falls by powers of ten: a linear axis shows its first minute."""
    if not heights or min(heights) <= 0 or max(heights) < 5 * min(heights):
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, variants: Sequence[Variant]) -> None:
    from matplotlib.lines import Line2D

    names = [label(variant.name) for variant in variants]
    handles = [
        Line2D([], [], color=colour(at), linestyle=stroke(at), linewidth=2.4) for at in range(len(names))
    ]
    columns = max(1, min(4, 120 // (max(map(len, names)) + 6)))
    figure.legend(handles, names, loc="outside upper left", ncols=columns, handlelength=1.6)


def classes_plot(comparison: Comparison) -> str:
    """The figure of each class, a bar a variant; of many classes those that differ most."""
    variants, names = comparison.variants[:MOST_BAR_VARIANTS], most_different_classes(comparison)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        thick = 0.8 / len(variants)
        for at, variant in enumerate(variants):
            found = [spread(variant.class_values(name)) for name in names]
            places = [row + (at - (len(variants) - 1) / 2) * thick for row in range(len(names))]
            widths = [100 * value.mean if value else 0.0 for value in found]
            axes.barh(places, widths, height=thick * 0.86, color=colour(at))
            for place, value in zip(places, found, strict=True):
                ends = [value.low * 100, value.high * 100] if value else []
                axes.plot(ends, [place] * len(ends), color=INK, linewidth=0.9, alpha=0.75)
        axes.set_yticks(range(len(names)), [label(name) for name in names])
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.grid(visible=False, axis="y")
        axes.set_title(f"{comparison.metrics.of_class} x 100")
        axes.set_xlim(left=0)
        _legend(figure, variants)

    return svg(draw, height=1.1 + len(names) * (0.2 + 0.13 * len(variants)))


def most_different_classes(comparison: Comparison) -> tuple[str, ...]:
    """All classes when they are few; else those whose figure differs most between variants, in order."""
    classes = tuple(dict.fromkeys(comparison.data.classes))
    if len(classes) <= MOST_BARS:
        return classes

    def difference(name: str) -> float:
        found = [value.mean for v in comparison.variants if (value := spread(v.class_values(name)))]
        return max(found) - min(found) if found else -1.0

    chosen = sorted(classes, key=difference, reverse=True)[:MOST_BARS]
    return tuple(name for name in classes if name in chosen)


def cost_plot(comparison: Comparison) -> str:
    """The first figure against what it costs: BFLOPs, and latency where it was measured."""
    variants = comparison.variants[:MOST_ROWS]
    costs = [("BFLOPs, all layers", [variant.network.bflops for variant in variants])]
    if all(variant.latency for variant in variants):
        costs.append(
            ("latency, ms an image", [v.latency.median if v.latency else math.nan for v in variants])
        )

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
        for axes, (title, x) in zip(panels, costs, strict=True):
            _points(axes, x, variants)
            axes.set_xlabel(title)
        panels[0].set_title(f"{comparison.metrics.word} x 100")
        _legend(figure, variants[:MOST_CURVES])

    return svg(draw, height=3.3)


def _points(axes: Axes, x: Sequence[float], variants: Sequence[Variant]) -> None:
    for at, (cost, variant) in enumerate(zip(x, variants, strict=True)):
        found = spread(variant.values(variant.runs[0].metrics.first))
        if found:
            ends = [found.low * 100, found.high * 100]
            axes.plot([cost, cost], ends, color=colour(at), linewidth=2, solid_capstyle="round")
            axes.scatter([cost], [found.mean * 100], s=52, color=colour(at), edgecolors=PAPER, zorder=3)
    axes.margins(x=0.15, y=0.12)


def svg(draw: Any, *, height: float) -> str:
    """Draw on an empty figure and return it as a data URI."""
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    target = io.BytesIO()
    with style.context(["default", STYLE]), warnings.catch_warnings():
        # An emoji that the font lacks is a box in the plot, and no reason to alarm anybody.
        warnings.simplefilter("ignore", UserWarning)
        figure = Figure(figsize=(WIDTH_INCHES, min(height, 40)), layout=ConstrainedLayoutEngine(wspace=0.05))
        draw(figure)
        figure.savefig(target, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = target.getvalue().decode()
    text = text.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)").replace(HAIRLINE, "var(--hairline)")
    return data_uri("image/svg+xml", text.replace("<defs>", f"{THEME}<defs>", 1).encode())


def sample_picture(path: Path) -> str | None:
    """A sample as a small JPEG, or None when it is no picture."""
    from PIL import Image

    target = io.BytesIO()
    try:
        with Image.open(path, formats=("PNG",)) as image:
            small = image.convert("RGB")
            small.thumbnail((SAMPLE_PX, SAMPLE_PX))
            small.save(target, "JPEG", quality=86)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return data_uri("image/jpeg", target.getvalue())


def data_uri(kind: str, data: bytes) -> str:
    """Bytes as an address that needs no network.

    >>> data_uri("text/plain", b"hi")
    'data:text/plain;base64,aGk='
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
