"""What is missing of the comparison: at the head of its report until the last run has ended."""

from __future__ import annotations

from typing import Any

from darknet_py.report.markdown import escape_markdown
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.unfinished.status import status_of


class StatusSection(ReportSection):
    """The runs that have ended, of those planned; a finished comparison has no such section."""

    template = """\
<div class="notes" role="status">
<progress max="{{ planned }}" value="{{ ended }}"></progress><br>
{{ text }}
</div>
"""

    def applies(self, report: Report) -> bool:
        """Until the comparison is finished."""
        return status_of(report) is not None

    def context(self, report: Report) -> dict[str, object]:
        """The text, and the two numbers of the bar."""
        status = status_of(report)
        assert status is not None
        return {"text": status.text, "ended": status.ended, "planned": status.planned}

    def markdown(self, report: Report) -> list[str]:
        """The text."""
        status = status_of(report)
        return [f"**Not finished.** {escape_markdown(status.text)}"] if status else []

    def json(self, report: Report) -> dict[str, Any]:
        """`unfinished`, which a finished comparison does not have."""
        status = status_of(report)
        if status is None:
            return {}
        facts = {"ended": status.ended, "planned": status.planned, "left": dict(status.left)}
        return {"unfinished": {**facts, "seconds_left": round(status.seconds, 1)}}
