"""The title, and one paragraph: how good the detector is, and what costs it most."""

from __future__ import annotations

from typing import Any

from darknet_py.report.errors.content import ErrorReport
from darknet_py.report.markdown import escape_markdown
from darknet_py.report.section import PageSection
from darknet_py.report.tables import group_digits, label
from darknet_py.scoring.errors.costs import ErrorCosts
from darknet_py.scoring.errors.kinds import IOU
from darknet_py.tasks.metrics import in_percent


class ErrorSummarySection(PageSection[ErrorReport]):
    """The title and the paragraph at the head of the page."""

    template = """\
<h1>{{ title }}</h1>
<p class="lead">{{ summary }}</p>
<p class="caption">{{ protocol }}</p>
"""

    def context(self, report: ErrorReport) -> dict[str, object]:
        """The texts."""
        return {"title": headline(report), "summary": summarize(report), "protocol": protocol(report)}

    def markdown(self, report: ErrorReport) -> list[str]:
        """The texts."""
        texts = [escape_markdown(text) for text in (headline(report), summarize(report), protocol(report))]
        return [f"# {texts[0]}", *texts[1:]]

    def json(self, report: ErrorReport) -> dict[str, Any]:
        """The texts."""
        return {"title": headline(report), "summary": summarize(report), "protocol": protocol(report)}


def headline(report: ErrorReport) -> str:
    """The title."""
    return f"Errors of {label(report.title, limit=120)}"


def summarize(report: ErrorReport) -> str:
    """AP50, the objects without a detection, and the kinds of errors that cost most."""
    table = report.table
    objects, unfound = int((~table.truth.crowds).sum()), int(table.unfound.sum())
    if not objects:
        return "The images have no objects to find, so there is no AP."
    text = f"AP50 is {in_percent(report.costs.ap50)}. Of {group_digits(objects)} objects in"
    text += f" {group_digits(len(report.records))} images, {group_digits(unfound)} have no true detection."
    return f"{text} {_costs(report.costs)}"


def _costs(costs: ErrorCosts) -> str:
    ranked = sorted(costs.kinds, key=lambda one: -(one.cost or 0))
    if not ranked[0].cost:
        return "No kind of error costs anything."
    names = [f"{one.kind.value} ({in_percent(one.cost)})" for one in ranked if one.cost]
    most = f"The costliest kind of error is {names[0]}"
    if len(names) > 1:
        most += f", then {' and '.join(names[1:3])}"
    return f"{most}: so much AP50 would be gained without it."


def protocol(report: ErrorReport) -> str:
    """How it was measured."""
    return (
        f"AP50 as COCO's: IoU {IOU}, 101 recalls, the best 100 detections of a class in an image;"
        f" {group_digits(report.detections)} detections. AP and costs are x 100."
    )
