"""Definitions of the terms and symbols of the report."""

from __future__ import annotations

from darknet_py.report.section import Report, ReportSection


class HowToReadSection(ReportSection):
    """A list of terms with their definitions."""

    anchor = "reading"
    link = "How to read"
    title = "How to read the numbers"
    template = """\
<dl>
{% if metrics.task == "classification" %}
<dt>top-1, top-5</dt><dd>The share of images whose label is the most probable class, or among the five most probable. Training images are scored without augmentation, in evaluation mode. Tables print shares x 100, sentences 0..1.</dd>
{% else %}
<dt>AP</dt><dd>mAP@[.50:.95]: the mean over classes of the area under the precision-recall curve, averaged over ten IoU thresholds from 0.50 to 0.95. AP50 and AP75 use one threshold. Tables print AP x 100, sentences 0..1.</dd>
<dt>small, medium, large</dt><dd>AP of objects under 32 x 32, up to 96 x 96, and over 96 x 96 pixels of the image as it is stored.</dd>
{% endif %}
<dt>±</dt><dd>Half of maximum minus minimum over the seeds. It is a spread, not a confidence interval.</dd>
<dt>interval</dt><dd>Where the difference would lie in 95 of 100 studies like this one, with other seeds and other images: for all variants of the study at once. {{ metrics.word }} alone is judged; the other scores are shown.</dd>
<dt>better, worse</dt><dd>The interval lies above 0, or below.</dd>
<dt>same</dt><dd>The interval lies within the margin, {{ margin }} {{ metrics.word }}: the same for practical purposes.</dd>
<dt>unclear</dt><dd>The interval holds 0 and reaches beyond the margin: this study cannot tell. The smallest effect that it would see in 8 of 10 cases is printed with it.</dd>
{% if metrics.task == "classification" %}
<dt>n/a</dt><dd>There is nothing to score: no image of that class in the data, or no top-5 of five classes or fewer.</dd>
{% else %}
<dt>n/a</dt><dd>There is no ground truth to score: no object of that size or class in the data. Means leave it out, as pycocotools does.</dd>
{% endif %}
<dt>BFLOPs</dt><dd>Billions of floating point operations for one image, all layers, as AlexeyAB counts; 1 MAC = 2 FLOPs.</dd>
<dt>reach</dt><dd>The receptive field: rows x columns of the input that one cell of a head depends on; of several heads the largest.</dd>
</dl>
"""  # noqa: E501

    def context(self, report: Report) -> dict[str, object]:
        """The metrics, which decide what is explained, and the margin of the verdicts."""
        return {"metrics": report.metrics, "margin": f"{report.comparison.margin * 100:g}"}
