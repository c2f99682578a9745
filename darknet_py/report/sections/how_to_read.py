"""Definitions of the terms and symbols of the report."""

from __future__ import annotations

from typing import Any

from darknet_py.report.section import Report, ReportSection

OF_CLASSIFIERS = {
    "top-1, top-5": "The share of images whose label is the most probable class, or among the five most"
    " probable. Training images are scored without augmentation, in evaluation mode. Tables print shares x"
    " 100, JSON 0..1.",
    "n/a": "There is nothing to score: no image of that class in the data, or no top-5 of five classes or"
    " fewer.",
}
OF_DETECTORS = {
    "AP": "mAP@[.50:.95]: the mean over classes of the area under the precision-recall curve, averaged over"
    " ten IoU thresholds from 0.50 to 0.95. AP50 and AP75 use one threshold. Tables print AP x 100, JSON"
    " 0..1.",
    "small, medium, large": "AP of objects under 32 x 32, up to 96 x 96, and over 96 x 96 pixels of the image"
    " as it is stored.",
    "n/a": "There is no ground truth to score: no object of that size or class in the data. Means leave it"
    " out, as pycocotools does.",
}


class HowToReadSection(ReportSection):
    """A list of terms with their definitions."""

    anchor = "reading"
    link = "How to read"
    title = "How to read the numbers"
    template = """\
<dl>
{% for term, text in definitions.items() %}<dt>{{ term }}</dt><dd>{{ text }}</dd>
{% endfor %}
</dl>
"""

    def context(self, report: Report) -> dict[str, object]:
        """The terms."""
        return {"definitions": definitions(report)}

    def json(self, report: Report) -> dict[str, Any]:
        """`definitions`: the text of each term."""
        return {"definitions": definitions(report)}


def definitions(report: Report) -> dict[str, str]:
    """What the terms mean: the metrics of the task, the verdicts, and the costs."""
    scores = dict(OF_CLASSIFIERS if report.metrics.task == "classification" else OF_DETECTORS)
    word, nothing = report.metrics.word, scores.pop("n/a")
    margin = f"{report.comparison.margin * 100:g} {word}"
    return {
        **scores,
        "±": "Half of maximum minus minimum over the seeds. It is a spread, not a confidence interval.",
        "interval": "Where the difference would lie in 95 of 100 studies like this one, with other seeds and"
        f" other images: for all variants of the study at once. {word} alone is judged; the other scores are"
        " shown.",
        "better, worse": "The interval lies above 0, or below.",
        "same": f"The interval lies within the margin, {margin}: the same for practical purposes.",
        "unclear": "The interval holds 0 and reaches beyond the margin: this study cannot tell. The smallest"
        " effect that it would see in 8 of 10 cases is printed with it.",
        "n/a": nothing,
        "BFLOPs": "Billions of floating point operations for one image, all layers, as AlexeyAB counts; 1 MAC"
        " = 2 FLOPs.",
        "reach": "The receptive field: rows x columns of the input that one cell of a head depends on; of"
        " several heads the largest.",
    }
