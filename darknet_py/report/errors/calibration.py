"""Scores against the share of true detections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.hover import Hover, Plot
from darknet_py.report.plotting import INK, PALETTE, plot
from darknet_py.report.section import PageSection
from darknet_py.report.tables import group_digits
from darknet_py.scoring.errors.calibration import Calibration

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class CalibrationSection(PageSection[ErrorReport]):
    """A reliability diagram, with the number of detections in each bin."""

    anchor = "calibration"
    link = "Calibration"
    title = "Whether scores are probabilities"
    template = """\
<figure>
{{ ui.plot(plot, "share of true detections by score") }}
<figcaption>{{ caption }}</figcaption>
</figure>
"""

    def applies(self, report: ErrorReport) -> bool:
        """When there are detections."""
        return report.calibration.error is not None

    def context(self, report: ErrorReport) -> dict[str, object]:
        """The diagram."""
        return {"plot": reliability_plot(report.calibration), "caption": caption_of(report.calibration)}

    def markdown(self, report: ErrorReport) -> list[str]:
        """The figures."""
        return [f"## {self.title}", caption_of(report.calibration)] if self.applies(report) else []

    def json(self, report: ErrorReport) -> dict[str, Any]:
        """How many detections are counted; their scores and shares are in `calibration`."""
        return {"counted": sum(one.count for one in report.calibration.bins)}


def caption_of(found: Calibration) -> str:
    """The expected and the greatest error."""
    assert found.error is not None, "there are detections"
    assert found.greatest is not None, "there are detections"
    count = sum(one.count for one in found.bins)
    text = "The share of true detections at IoU 0.5 in bins of the score; on the line both are equal."
    text += f" The expected calibration error is {found.error:.3f}, the mean difference over all"
    text += f" {group_digits(count)} detections; the greatest difference of a bin is {found.greatest:.3f}."
    return text


def reliability_plot(found: Calibration) -> Plot:
    """Bars of the share of true detections, and of how many detections there are."""

    def draw(figure: Figure, hover: Hover) -> None:
        left, right = figure.subplots(1, 2)
        middles = [(one.low + one.high) / 2 for one in found.bins]
        width = 0.86 / len(found.bins)
        left.bar(middles, [one.true or 0 for one in found.bins], width=width, color=PALETTE[1])
        known = [one for one in found.bins if one.count]
        left.plot([0, 1], [0, 1], color=INK, linewidth=0.9, alpha=0.75)
        scores, shares = [one.score or 0 for one in known], [one.true or 0 for one in known]
        left.plot(scores, shares, "o", color=INK, markersize=3)
        left.set(xlim=(0, 1), ylim=(0, 1), xlabel="score", title="share of true detections")
        for one in known:
            text = f"scores {one.low:g} to {one.high:g}\nshare of true detections {one.true or 0:.3f}"
            hover.span(left, [(one.low, 0), (one.high, one.true or 0)], text)
            corners = [(one.low, 1), (one.high, one.count)]
            hover.span(right, corners, f"scores {one.low:g} to {one.high:g}\ndetections {one.count}")
        right.bar(middles, [one.count for one in found.bins], width=width, color=PALETTE[0])
        right.set(xlim=(0, 1), xlabel="score", title="detections, logarithmic")
        right.set_yscale("log", nonpositive="clip")
        right.set_ylim(bottom=0.8)
        right.yaxis.set_major_formatter(lambda value, _: f"{value:g}")

    return plot(draw, height=3.2)
