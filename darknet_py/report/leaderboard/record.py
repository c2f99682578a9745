"""A finished run as one line of JSON: its scores, and what verdicts need of its images."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from darknet_py.errors import ReportError, quoted
from darknet_py.files.json_fields import JsonObject, file_exists, read_json_object
from darknet_py.files.json_text import json_text
from darknet_py.runs.merging import LIKE, OF_THE_RUN
from darknet_py.runs.read_comparison import conditions
from darknet_py.runs.records import Comparison, Run, VariantRuns
from darknet_py.scoring.influence import images_per_class, influences
from darknet_py.scoring.matches import Matches, load_matches
from darknet_py.scoring.weighted import weighted_ap
from darknet_py.stats.covariance import RESAMPLES, choose_method, resample_counts
from darknet_py.tasks.metrics import TASKS, Metrics

FORMAT = 1
KINDS = ("influence", "bootstrap", "mean")
TRUTHS = ("image_ids", "category_ids", "truth_images", "truth_labels", "truth_areas")
FOUND = ("starts", "images", "scores", "ranks", "hits", "ignored")

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ImageNoise:
    """How a score depends on the choice of images.

    Args:
        kind: "influence": of each image on AP; "bootstrap": AP of each resample, where classes have too few
            images for derivatives; "mean": whether a classifier is right about each image.
        values: of each image, or of each resample.
    """

    kind: str
    values: Singles

    def encoded(self) -> str:
        """As text: a bit for each image of a classifier, else 4 bytes a value."""
        packed = np.packbits(self.values > 0) if self.kind == "mean" else self.values.astype("<f4")
        return base64.b64encode(packed.tobytes()).decode()

    @classmethod
    def decoded(cls, kind: str, text: str, images: int) -> ImageNoise:
        """What `encoded` wrote.

        Raises: ValueError: when it is something else.
        """
        data = base64.b64decode(text, validate=True)
        if kind == "mean":
            bits = np.unpackbits(np.frombuffer(data, np.uint8))
            values, right = bits[:images].astype(np.float32), len(data) == -(-images // 8)
        else:
            count = RESAMPLES if kind == "bootstrap" else images
            right = len(data) == 4 * count
            values = np.frombuffer(data, "<f4").astype(np.float32) if right else np.zeros(0, np.float32)
        if not right or (kind == "influence" and not np.isfinite(values).all()):
            raise ValueError(f"{len(data)} bytes are not the {kind} of {images} images")
        return cls(kind, values)


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Args:
        cfg: the digest of its cfg and plug-ins.
        like: the digest of the cfg whose first weights it shares; "" where it has its own.
        origin, edits: the cfg as it was named, and what was changed in it.
        conditions: data, protocol and recipe: runs are comparable where these are equal.
        matches: the digest of what became of each detection, or of the hits of a classifier.
        figures: its scores, 0..1.
        where: the line or folder that it is from.
    """

    name: str
    seed: int
    cfg: str
    like: str
    origin: str
    edits: tuple[str, ...]
    data: str
    conditions: Mapping[str, Any]
    matches: str
    figures: Mapping[str, float | None]
    parameters: int
    bflops: float
    noise: ImageNoise = field(compare=False)
    where: str = field(default="", compare=False)

    @property
    def network(self) -> tuple[str, str]:
        """What distinguishes variants: the cfg, and the first weights."""
        return self.cfg, self.like

    @property
    def metrics(self) -> Metrics:
        """The metrics of its task."""
        return TASKS[self.conditions["task"]]

    @property
    def study(self) -> str:
        """The conditions as text: equal where runs are comparable."""
        return json.dumps(self.conditions, sort_keys=True)

    def line(self) -> str:
        """The record as a line of JSON, always the same for the same record."""
        names = ("name", "seed", "cfg", "like", "origin", "edits", "data")
        values = {key: getattr(self, key) for key in names} | {
            "conditions": dict(sorted(self.conditions.items())),
            "matches": self.matches,
            "figures": dict(self.figures),
            "parameters": self.parameters,
            "bflops": self.bflops,
            "noise": {"kind": self.noise.kind, "values": self.noise.encoded()},
            "format": FORMAT,
        }
        return json_text(values)


def read_record(values: JsonObject) -> RunRecord:
    """Read an untrusted line.

    Raises: ReportError: when a value is missing or wrong, or the line is of another version.
    """
    if values.count("format") != FORMAT:
        message = f"has format {values.count('format')}, and this program reads format {FORMAT}"
        raise ReportError(message, where=values.where)
    given, noise = values.child("conditions"), values.child("noise")
    task, images, kind = given.text("task"), given.count("images"), noise.text("kind")
    if task not in TASKS or kind not in KINDS:
        message = f"has the task {quoted(task)} and noise of the kind {quoted(kind)}, which are not known"
        raise ReportError(message, where=values.where)
    try:
        found = ImageNoise.decoded(kind, noise.text("values"), images)
    except ValueError as error:
        raise ReportError(f"'noise' is damaged: {quoted(error)}", where=values.where) from None
    figures = values.child("figures")
    return RunRecord(
        name=values.text("name"),
        seed=values.count("seed"),
        cfg=values.text("cfg"),
        like=values.text("like"),
        origin=values.text("origin"),
        edits=values.texts("edits"),
        data=values.text("data"),
        conditions=given.values,
        matches=values.text("matches"),
        figures={key: figures.score(key) for key in TASKS[task].words},
        parameters=values.count("parameters"),
        bflops=values.number("bflops", low=0),
        noise=found,
        where=str(values.where),
    )


def records_of(comparison: Comparison) -> Iterator[RunRecord | ReportError]:
    """Every finished run of a comparison; of one that lacks what a record needs, why.

    Raises: DataError: when a file of matches is damaged.
    """
    for variant in comparison.variants:
        for run in variant.runs:
            detector = run.metrics.task == "detection"
            file = run.folder.matches if detector else run.folder.hits
            if file_exists(file):
                yield _record(comparison, variant, run)
            else:
                hint = "the same `compare` command writes it"
                yield ReportError("is missing: the run has no record", where=file, hint=hint)


def _record(comparison: Comparison, variant: VariantRuns, run: Run) -> RunRecord:
    given = {key.rpartition(".")[2]: value for key, value in conditions(run).items()}
    given["val data"] = given.pop("fingerprint")
    del given["classes"]  # the data and the truths have them
    given |= {key: value for key, value in run.fingerprint.items() if key not in OF_THE_RUN}
    given["epochs"] = comparison.epochs
    if run.metrics.task == "detection":
        matches = load_matches(run.folder.matches)
        noise, digest = _noise(matches, run.metrics.first), _digest(matches, FOUND)
        given["truth"] = _digest(matches, TRUTHS)
    else:
        hits = np.array(read_json_object(run.folder.hits).counts("hits"), np.float32)
        noise, digest = ImageNoise("mean", hits), hashlib.sha256(hits.astype(np.uint8).tobytes()).hexdigest()
    plugins = run.fingerprint.get("plugins")
    text = run.cfg_text + (json.dumps(plugins, sort_keys=True) if plugins else "")
    return RunRecord(
        name=variant.name,
        seed=run.seed,
        cfg=hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest(),
        like=str(run.fingerprint.get(LIKE) or ""),
        origin=variant.cfg,
        edits=variant.edits,
        data=run.data.name,
        conditions=given,
        matches=digest,
        figures=run.scores.metrics,
        parameters=run.network.parameters,
        bflops=run.network.bflops,
        noise=noise,
        where=str(run.folder.path),
    )


def _noise(matches: Matches, figure: str) -> ImageNoise:
    """By derivatives or by resamples, as verdicts choose it: by the images of each class alone."""
    kind = choose_method(images_per_class(matches))
    if kind == "influence":
        return ImageNoise(kind, influences(matches, figure).astype(np.float32))
    draws = resample_counts(len(matches.image_ids), RESAMPLES)
    return ImageNoise(kind, weighted_ap(matches, draws, figure).astype(np.float32))


def _digest(matches: Matches, names: tuple[str, ...]) -> str:
    """The digest of some arrays, whatever compressed their file."""
    digest = hashlib.sha256()
    for name in names:
        array = np.ascontiguousarray(getattr(matches, name))
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
