"""A comparison carried out: every variant trained with every seed.

What is finished is skipped, what was interrupted goes on from its checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from darknet_py.cfg.document import Document, must_parse, read
from darknet_py.cfg.edits import Edit, cut_variant, parse_edits
from darknet_py.cfg.shipped import find_cfg
from darknet_py.data.dataset import Dataset
from darknet_py.edit.overrides import apply_overrides
from darknet_py.errors import ReportError, UsageError
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.detect_files import publish_picture
from darknet_py.predict.detections import Detections
from darknet_py.predict.drawing import draw
from darknet_py.runs.log import write_json
from darknet_py.tasks.metrics import describe_scores
from darknet_py.train.loop import train
from darknet_py.train.recipe import prepared
from darknet_py.train.settings import Settings, TrainingPlan

SAMPLES = 4  # pictures of each variant in the report
SAMPLE_SIDE = 640  # pixels that a small picture is enlarged to at most
ROUNDS = 15  # of the measurement of latency, variants in turn


@dataclass(frozen=True)
class Variant:
    """A cfg and edits of it, as the command line names it: `CFG` or `CFG@EDIT,...`."""

    name: str
    cfg: Path
    edits: tuple[Edit, ...]

    @classmethod
    def of(cls, text: str) -> Variant:
        """Read `cfg/yolov3-spp.cfg@82.size=19`.

        Raises:
            DarknetPyError: when the cfg does not exist or an edit is none.
        """
        path, edits = (text, "") if Path(text).is_file() else cut_variant(text)
        cfg = find_cfg(path)
        name = re.sub(r"[^A-Za-z0-9._,=@+-]", "_", cfg.stem + (f"@{edits}" if edits else ""))
        return cls(name, cfg, tuple(parse_edits(edits)) if edits else ())

    def document(self) -> Document:
        """The edited text, which compiles.

        Raises:
            CfgError: when it does not.
        """
        document = apply_overrides(must_parse(read(self.cfg)), self.edits)
        compile_checked(document)
        return document


@dataclass(frozen=True)
class Comparison:
    """What is to be compared.

    Args:
        data: as the person named it.
    """

    variants: tuple[Variant, ...]
    data: str
    train: Dataset
    val: Dataset
    out: Path
    seeds: int = 2
    epochs: float | None = None
    settings: Settings = field(default_factory=Settings)

    def plans(self) -> list[TrainingPlan]:
        """Every training, seed by seed, so that an interrupted comparison has all variants alike."""
        graphs = {v.name: self.fitted(v)[0] for v in self.variants}
        return [
            TrainingPlan(
                graph=graphs[variant.name],
                train=self.train,
                val=self.val,
                out=self.out / "runs" / variant.name / f"seed-{seed}",
                name=variant.name,
                data=self.data,
                seed=seed,
                settings=self.settings,
            )
            for seed in range(self.seeds)
            for variant in self.variants
        ]

    def fitted(self, variant: Variant) -> tuple[Graph, list[str]]:
        """A variant's network for this data, and each key that was changed, as text."""
        return prepared(variant.document(), self.train, self.settings, self.epochs, edits=variant.edits)

    def facts(self, epochs: float) -> dict[str, Any]:
        """`compare.json`: what the report is about."""
        variants = [
            {"name": v.name, "cfg": v.cfg.as_posix(), "edits": [str(e) for e in v.edits]}
            for v in self.variants
        ]
        return {"data": self.data, "epochs": epochs, "seeds": list(range(self.seeds)), "variants": variants}


def variants_of(texts: Sequence[str]) -> tuple[Variant, ...]:
    """The variants named on the command line, each different.

    Raises:
        UsageError: when two would have one folder.
    """
    variants = tuple(Variant.of(text) for text in texts)
    names = [v.name for v in variants]
    for variant in variants:
        if names.count(variant.name) > 1:
            raise UsageError(
                f"two variants are called {variant.name}",
                hint="name each once; files of one name need different stems",
            )
    return variants


Watch = Callable[[TrainingPlan], AbstractContextManager[Callable[[int, dict[str, Any]], None]]]


def carry_out(comparison: Comparison, *, say: Callable[[str], None], watch: Watch) -> None:
    """Train what is missing, then draw samples and measure latency.

    Args:
        say: told a line of text about each run.
        watch: makes, for each run, what is told its iterations.

    Raises:
        ReportError: when a finished run in the folder is of another comparison.
        Stopped: on request; the same call goes on.
    """
    if (comparison.out / "net.cfg").exists():
        raise UsageError(
            "is the folder of a single training", where=comparison.out, hint="name another --out"
        )
    plans = comparison.plans()
    finished = [_finished(plan) for plan in plans]
    for number, (plan, done) in enumerate(zip(plans, finished, strict=True), start=1):
        title = f"[{number}/{len(plans)}] {plan.name}, seed {plan.seed}"
        result = done or _trained(plan, watch)
        if number == 1:  # a comparison whose first run is refused changes nothing
            write_json(comparison.out / "compare.json", comparison.facts(comparison.epochs or _epochs(plan)))
        how = "finished before" if done else f"trained in {result['training']['seconds']:.0f} s"
        say(f"{title}: {how}, {describe_scores(result)}")
    firsts = [plan for plan in plans if plan.seed == 0]
    for plan in firsts:
        if plan.graph.heads:
            _draw_samples(plan)
    _measure(comparison, firsts)


def _trained(plan: TrainingPlan, watch: Watch) -> dict[str, Any]:
    with watch(plan) as advance:
        return train(plan, progress=lambda done, total, facts: advance(done, facts))


def _finished(plan: TrainingPlan) -> dict[str, Any] | None:
    """The result of a run that is complete and is this run."""
    file = plan.out / "result.json"
    if not file.exists():
        return None
    try:
        result: dict[str, Any] = json.loads(file.read_bytes())
        before = result["fingerprint"]
    except (ValueError, KeyError, TypeError, OSError):
        raise ReportError(
            "is not a result of this program", where=file, hint="delete the run's folder"
        ) from None
    other = sorted(k for k, v in plan.fingerprint().items() if before.get(k) != v)
    if other:
        hint = "name another --out, or delete the run's folder"
        raise ReportError(f"is the result of another run: {', '.join(other)} differ", where=file, hint=hint)
    return result


def _epochs(plan: TrainingPlan) -> float:
    return round(plan.epochs, 2)


def _draw_samples(plan: TrainingPlan) -> None:
    """A few validation pictures with what seed 0 found, from its detections file."""
    folder = plan.out.parent / "samples"
    mark, drawn = folder / "drawn-from.json", {"weights": _digest((plan.out / "final.weights").read_bytes())}
    if mark.exists() and json.loads(mark.read_bytes()) == drawn:
        return
    folder.mkdir(exist_ok=True)
    network = Network(plan.graph)
    load_weights(network, plan.out / "final.weights")
    settings = DetectorSettings(device=plan.settings.device)
    detector = BatchDetector(network, settings, names=plan.val.names)
    step = max(1, len(plan.val) // SAMPLES)
    chosen = [plan.val.pixels(k * step) for k in range(min(SAMPLES, len(plan.val)))]
    for k, (pixels, found) in enumerate(zip(chosen, detector.detect(chosen), strict=True)):
        publish_picture(folder / f"{k}.png", draw(*_enlarged(pixels, _surest(found))))
    write_json(mark, drawn)


def _enlarged(pixels: np.ndarray, found: Detections) -> tuple[np.ndarray, Detections]:
    """A small picture times a whole number, so that the words on it leave something to see."""
    times = max(1, SAMPLE_SIDE // max(pixels.shape[:2]))
    larger = pixels.repeat(times, axis=0).repeat(times, axis=1)
    return larger, replace(found, boxes_xyxy=found.boxes_xyxy * times)


def _surest(found: Detections, most: int = 30) -> Detections:
    return replace(
        found, boxes_xyxy=found.boxes_xyxy[:most], scores=found.scores[:most], labels=found.labels[:most]
    )


def _measure(comparison: Comparison, plans: Sequence[TrainingPlan]) -> None:
    """Milliseconds an image of each variant at batch 1, variants in turn, medians; measured once."""
    file = comparison.out / "latency.json"
    digests = {plan.name: _digest(str(plan.document).encode("utf-8", "surrogateescape")) for plan in plans}
    facts = {"unit": "ms per image", "batch": 1, "threads": torch.get_num_threads(), "rounds": ROUNDS}
    facts["device"] = comparison.settings.device
    if file.exists():
        before = json.loads(file.read_bytes())
        rows = before.pop("variants")
        if before == facts and {name: row.get("cfg") for name, row in rows.items()} == digests:
            return
    networks = {plan.name: Network(plan.graph).eval().to(plan.settings.device) for plan in plans}
    times: dict[str, list[float]] = {name: [] for name in networks}
    with torch.inference_mode():
        for _ in range(ROUNDS + 3):
            for name, network in networks.items():
                times[name].append(_time(network))
    rows = {
        name: {"median": round(statistics.median(ts), 3), "min": round(min(ts), 3), "max": round(max(ts), 3)}
        for name, ts in ((name, found[3:]) for name, found in times.items())
    }
    for name, row in rows.items():
        row["cfg"] = digests[name]
    write_json(file, {**facts, "variants": rows})


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _time(network: Network) -> float:
    net = network.graph.net
    image = torch.rand(1, net.channels, net.height, net.width, device=next(network.parameters()).device)
    image = image.contiguous(memory_format=torch.channels_last)
    began = time.perf_counter()
    for raw in network(image):
        raw.sum().item()  # waits for a device that works on its own
    return 1000 * (time.perf_counter() - began)


def unfinished(comparison: Comparison) -> Iterator[TrainingPlan]:
    """The runs that are still to be trained."""
    return (plan for plan in comparison.plans() if not (plan.out / "result.json").exists())
