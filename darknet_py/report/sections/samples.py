"""Validation images with the detections of each variant."""

from __future__ import annotations

import io
from pathlib import Path

from darknet_py.report.plotting import data_uri
from darknet_py.report.section import Report, ReportSection
from darknet_py.report.tables import label

MOST_COLUMNS, MOST_ROWS = 6, 4
SAMPLE_PX = 320


class SamplesSection(ReportSection):
    """The same images for every variant: a column per variant, a row per image."""

    anchor = "samples"
    link = "Images"
    title = "Detections on the same images"
    template = """\
<p class="caption">Validation images with the detections of the first seed. An image shows how a network errs, not how often.</p>
<div class="samples" style="--columns: {{ names | length }}">
{% for name in names %}<p>{{ name }}</p>{% endfor %}
{% for row in rows %}
{% for image in row %}
{% if image %}<img src="{{ image }}" alt="detections of {{ names[loop.index0] }}">{% else %}<p class="faint">no image</p>{% endif %}
{% endfor %}
{% endfor %}
</div>
"""  # noqa: E501

    def applies(self, report: Report) -> bool:
        """When samples were drawn."""
        return any(variant.samples for variant in report.comparison.variants)

    def context(self, report: Report) -> dict[str, object]:
        """The names of the variants, and rows of images; None where one is missing."""
        variants = [v for v in report.comparison.variants if v.samples][:MOST_COLUMNS]
        numbers = sorted({number for variant in variants for number in variant.samples})[:MOST_ROWS]
        rows = [
            [sample_jpeg(v.samples[number]) if number in v.samples else None for v in variants]
            for number in numbers
        ]
        return {"names": [label(variant.name) for variant in variants], "rows": rows}


def sample_jpeg(path: Path) -> str | None:
    """A sample as a small JPEG in a data URI, or None when the file is not a PNG image."""
    from PIL import Image

    target = io.BytesIO()
    try:
        with Image.open(path, formats=("PNG",)) as image:
            small = image.convert("RGB")
            small.thumbnail((SAMPLE_PX, SAMPLE_PX))
            small.save(target, "JPEG", quality=76)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return data_uri("image/jpeg", target.getvalue())
