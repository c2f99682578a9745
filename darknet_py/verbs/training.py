"""Verbs that train."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from darknet_py.cfg.document import Document
from darknet_py.compare.metrics import told
from darknet_py.compare.report import write_report
from darknet_py.compare.run_plot import draw_run
from darknet_py.compare.runs import Comparison, carry_out, unfinished, variants_of
from darknet_py.data.dataset import Dataset, open_data
from darknet_py.device import usable
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile
from darknet_py.network import Network
from darknet_py.terminal import bar
from darknet_py.train.checkpoints import has_run
from darknet_py.train.loop import Plan, Settings, source_of
from darknet_py.train.loop import train as run
from darknet_py.train.recipe import prepared
from darknet_py.train.step import objective_of
from darknet_py.verbs.text import document_of, edits_of


def train(args: argparse.Namespace) -> int:
    """One training."""
    if not args.resume and (has_run(args.out) or (args.out / "result.json").exists()):
        hint = "--resume goes on with it; or name another --out"
        raise UsageError("there is a run in this folder", where=args.out, hint=hint)
    if (args.out / "result.json").exists():
        raise UsageError("the run in this folder is finished", where=args.out, hint="name another --out")
    document, (train_data, val_data) = document_of(args), _both(args)
    settings = _settings(args)
    fit = prepared(document, train_data, settings, args.epochs, edits=edits_of(args))
    _tell(*fit)
    plan = Plan(
        document=fit[0],
        train=train_data,
        val=val_data,
        out=args.out,
        name=Path(args.cfg).stem,
        data=args.data,
        seed=args.seed,
        settings=settings,
    )
    if args.show_batches:
        return _show(plan, args.show_batches)
    with bar(compile(fit[0]).net.max_batches, "it") as advance:
        result = run(plan, progress=lambda done, total, facts: advance(done, facts))
    print(f"{told(result)}; weights in {args.out / 'final.weights'}, curves in {draw_run(args.out)}")
    return 0


def _show(plan: Plan, count: int) -> int:
    """The first batches as pictures; nothing is trained."""
    from darknet_py.train.pictures import show_batch

    plan.out.mkdir(parents=True, exist_ok=True)
    objective = objective_of(Network(compile(plan.document)))
    objective.check(plan.train)
    for number, batch in zip(range(1, count + 1), source_of(plan, objective), strict=False):
        path = plan.out / f"batch-{number}.jpg"
        shown = show_batch(batch, path, plan.train.names)
        print(f"{path}: {shown} of {len(batch.images)} images, {sum(map(len, batch.rows))} boxes in all")
    return 0


def compare(args: argparse.Namespace) -> int:
    """Variants trained and set side by side in a report."""
    variants, (train_data, val_data) = variants_of(args.cfg), _both(args)
    comparison = Comparison(
        variants=variants,
        data=args.data,
        train=train_data,
        val=val_data,
        out=args.out,
        seeds=args.seeds,
        epochs=args.epochs,
        settings=_settings(args),
    )
    left, total = len(list(unfinished(comparison))), len(variants) * args.seeds
    print(f"{len(variants)} variants x {args.seeds} seeds on {args.data}: {left} of {total} runs to train")
    for number, variant in enumerate(variants):
        document, changes = comparison.fitted(variant)
        _tell(document, changes if number == 0 else (), name=f"{variant.name}: ")
    carry_out(comparison, say=lambda text: print(text, flush=True), watch=_watch)
    print(f"report: {write_report(args.out)} (report.md and report.json beside it)")
    return 0


def _watch(plan: Plan) -> bar:
    return bar(compile(plan.document).net.max_batches, "it", title=f"{plan.name}, seed {plan.seed}")


def _settings(args: argparse.Namespace) -> Settings:
    device = usable(args.device)
    return Settings(
        weights=args.weights,
        partial=args.partial,
        device=device,
        workers=args.workers,
        evaluations=args.evaluations,
        recipe=args.recipe,
        precision=args.precision,
        plugins=args.plugins,
        checkpoint_seconds=args.checkpoint_seconds,
        keep=args.keep,
        allow_changed=tuple(args.allow_changed),
    )


def _both(args: argparse.Namespace) -> list[Dataset]:
    """The two splits, after a look at options that need each other."""
    if args.partial and not args.weights:
        raise UsageError("--partial says how much of --weights to read, and there is no --weights")
    return [open_data(args.data, split=split) for split in ("train", "val")]


def _tell(document: Document, changes: Sequence[str], *, name: str = "") -> None:
    """What was changed in the cfg, and what is doubtful about it, such as keys that are not honoured."""
    for change in changes:
        print(f"cfg: {change}")
    for doubt in compile(document).doubts:
        print(f"{name}cfg: {doubt.message}: {doubt.reason}")
