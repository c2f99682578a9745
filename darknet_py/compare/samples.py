"""Validation images with the detections of a variant's first run, for the report."""

from __future__ import annotations

from dataclasses import replace

from darknet_py.engines.torch_engine import TorchEngine
from darknet_py.files.digest import sha256_of
from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.model.restoring import restore
from darknet_py.predict.batch_detector import BatchDetector, DetectorSettings
from darknet_py.predict.drawing import draw
from darknet_py.predict.outputs.pictures import publish_picture
from darknet_py.runs.folders import ComparisonFolder, RunFolder
from darknet_py.runs.log import write_json
from darknet_py.train.settings import TrainingPlan

SAMPLES = 4  # images of each variant
SAMPLE_SIDE = 640  # pixels that a small image is enlarged to at most
MOST_BOXES = 30  # of one image, those with the highest scores


def draw_samples(plan: TrainingPlan, folder: ComparisonFolder) -> None:
    """Draw what the final weights of a run find in some validation images, unless that was done before."""
    samples, weights = folder.samples(plan.name), RunFolder(plan.out).weights
    source = {"weights": sha256_of(weights)}
    source_file = samples / "drawn-from.json"
    if file_exists(source_file) and read_json_object(source_file).values == source:
        return
    samples.mkdir(exist_ok=True)
    engine = TorchEngine(restore(plan.graph, weights), plan.settings.device)
    detector = BatchDetector(engine, DetectorSettings(keep=MOST_BOXES), names=plan.val.names)
    step = max(1, len(plan.val) // SAMPLES)
    images = [plan.val.pixels(number * step) for number in range(min(SAMPLES, len(plan.val)))]
    for number, (pixels, detections) in enumerate(zip(images, detector.detect(images), strict=True)):
        times = max(1, SAMPLE_SIDE // max(pixels.shape[:2]))  # so that labels do not cover a small image
        larger = pixels.repeat(times, axis=0).repeat(times, axis=1)
        picture = draw(larger, replace(detections, boxes_xyxy=detections.boxes_xyxy * times))
        publish_picture(samples / f"{number}.png", picture)
    write_json(source_file, source)
