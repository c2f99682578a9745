"""A report as one self-contained HTML page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.report.plotting import colour
from darknet_py.report.section import Content, PageSection, Report
from darknet_py.report.sections import BODY, HEADER
from darknet_py.report.sections.summary import headline

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.environment import TemplateModule


@dataclass(frozen=True)
class RenderedSection:
    """A section as the page's template takes it; one that does not apply has no heading and no body."""

    anchor: str
    link: str
    heading: str
    body: TemplateModule | None  # its text is escaped already


def report_page(report: Report) -> str:
    """The page of a comparison, as text."""
    return render_page(report, title=headline(report.comparison), command="compare", header=HEADER, body=BODY)


def render_page(
    report: Content,
    *,
    title: str,
    command: str,
    header: Sequence[PageSection[Content]],
    body: Sequence[PageSection[Content]],
) -> str:
    """A page from its sections, as text.

    Args:
        command: the verb that wrote it.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = Path(__file__).parent
    style, script = (folder.joinpath(f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    environment.globals["colour"] = colour
    environment.globals["ui"] = environment.get_template("macros.html.j2").module
    return environment.get_template("page.html.j2").render(
        title=title,
        command=command,
        style=style,
        script=script,
        script_hash=script_hash(script),
        header=_render(environment, header, report),
        sections=_render(environment, body, report),
    )


def script_hash(script: str) -> str:
    """The hash of a script by which the policy of a page allows it, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _render(
    environment: Environment, sections: Sequence[PageSection[Content]], report: Content
) -> list[RenderedSection]:
    rendered = []
    for section in sections:
        heading, body = "", None
        if section.applies(report):
            heading = section.heading(report)
            body = environment.from_string(section.template).make_module(section.context(report))
        rendered.append(RenderedSection(section.anchor, section.link, heading, body))
    return rendered
