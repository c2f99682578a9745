"""What a section of the report is.

A section is one file in `sections/` or a folder there: a class with its heading and its content as HTML,
Markdown and JSON. The page, the Markdown file and the JSON file are folds over the lists in
`sections/__init__.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from darknet_py.report.judgement import Judgement, VariantVerdict, judge
from darknet_py.report.tables import label
from darknet_py.runs.records import Comparison
from darknet_py.tasks.metrics import Metrics


@dataclass(frozen=True)
class Report:
    """The content of a report: a comparison, and the verdicts on its variants."""

    comparison: Comparison
    judgement: Judgement

    @classmethod
    def of(cls, comparison: Comparison) -> Report:
        """Compare every variant with the baseline."""
        return cls(comparison, judge(comparison))

    @property
    def verdicts(self) -> tuple[VariantVerdict, ...]:
        """One a variant, without the baseline."""
        return self.judgement.verdicts

    @property
    def metrics(self) -> Metrics:
        """The metrics of the task."""
        return self.comparison.metrics

    @property
    def baseline(self) -> str:
        """The baseline's name, as it is shown."""
        return label(self.comparison.baseline.name)


Content = TypeVar("Content")


class PageSection(ABC, Generic[Content]):
    """A section of a page about `Content`.

    Args:
        anchor: the id of its heading in the page; empty in the page's header, where sections have no heading.
        link: its name in the navigation.
        title: its heading in the page, where it is not the link.
        template: its HTML below the heading, a Jinja2 template over `context`; `ui` holds the macros of
            `macros.html.j2`, and everything printed is escaped.
    """

    anchor: ClassVar[str] = ""
    link: ClassVar[str] = ""
    title: ClassVar[str] = ""
    template: ClassVar[str]

    def applies(self, report: Content) -> bool:
        """Whether the page has this section."""
        return True

    def heading(self, report: Content) -> str:
        """Its heading in the page; without one it continues the section before it."""
        return self.title or self.link

    @abstractmethod
    def context(self, report: Content) -> dict[str, object]:
        """The values that its template prints."""

    def markdown(self, report: Content) -> list[str]:
        """Its paragraphs in the Markdown file; sections that consist of plots or images have none."""
        return []

    def json(self, report: Content) -> dict[str, Any]:
        """Its keys of the JSON file, which no other section has; scores are 0..1."""
        return {}


class ReportSection(PageSection[Report]):
    """A section of the report of a comparison; in its title `{baseline}` stands for the baseline's name."""

    def heading(self, report: Report) -> str:
        """Its heading in the page; without one it continues the section before it."""
        return (self.title or self.link).format(baseline=report.baseline)
