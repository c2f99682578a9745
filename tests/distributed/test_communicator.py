"""Property and parity. Oracle: the same work done by one process.

The IDs in the names are of the project's catalogue of errors: X is distributed.
"""

from __future__ import annotations

import ast
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributed import HashStore

from darknet_py.cfg.document import parse
from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.loader.sampler import Batches, Sampler
from darknet_py.distributed import gradient_sync
from darknet_py.distributed.communicator import Communicator
from darknet_py.distributed.consistency import check_batch_split
from darknet_py.distributed.gradient_sync import GradientSync
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.distributed.rendezvous import fresh_store
from darknet_py.engines.torch_engine import TorchEngine
from darknet_py.errors import DataError, DistributedError, PeerFailed, UsageError
from darknet_py.graph.compile import compile
from darknet_py.layers.net import Net
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights
from darknet_py.tasks.base import EvaluationSettings
from darknet_py.tasks.classification_evaluation import evaluate_classifier
from darknet_py.tasks.detection_evaluation import DetectionEvaluation, evaluate_detector, gathered_results
from darknet_py.train.fit import BatchLimits, fit_to_data
from darknet_py.train.step import Trainer
from tests.distributed.rank_run import in_ranks
from tests.layers.nets import network, section
from tests.paths import ROOT
from tests.tasks.test_classification_evaluation import Pictures, classifier
from tests.train.small_run import Unbroken
from tests.train.small_trainer import state

PACKAGE = ROOT / "darknet_py"


def test_without_torchruns_variables_a_process_is_alone() -> None:
    assert ProcessInfo.from_environment({"PATH": "/bin", "RANK": "1"}) == ProcessInfo()
    assert ProcessInfo.from_environment({"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}) == ProcessInfo(
        rank=1, size=4
    )
    elastic = {"TORCHELASTIC_RUN_ID": "a", "TORCHELASTIC_RESTART_COUNT": "2", "TORCHELASTIC_ERROR_FILE": "f"}
    assert ProcessInfo.from_environment({"RANK": "0", "WORLD_SIZE": "1", **elastic}) == ProcessInfo(
        restarts=2, elastic=True, error_file="f"
    )


@pytest.mark.parametrize("values", [("4", "4"), ("-1", "4"), ("x", "4"), ("0", "0"), ("0", "²")])
def test_variables_that_make_no_sense_are_refused(values: tuple[str, str]) -> None:
    with pytest.raises(UsageError):
        ProcessInfo.from_environment({"RANK": values[0], "WORLD_SIZE": values[1]})


def test_every_process_on_a_machine_has_a_gpu_of_its_own() -> None:
    assert ProcessInfo(rank=5, size=8, local_rank=1).device("cuda") == "cuda:1"
    assert ProcessInfo(rank=5, size=8, local_rank=1).device("cpu") == "cpu"
    assert ProcessInfo().device("cuda:3") == "cuda:3"
    for name in ("cuda:0", "mps"):
        with pytest.raises(UsageError, match="cannot be used by 8 processes"):
            ProcessInfo(rank=5, size=8, local_rank=1).device(name)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("of", [1, 3])
def test_X13_every_image_is_in_one_share(size: int, of: int) -> None:
    for count in range(2 * size * of + 2):
        shares = [
            Communicator(ProcessInfo(rank=rank, size=size)).share(count, block=of) for rank in range(size)
        ]
        assert list(itertools.chain(*shares)) == list(range(count))
        assert all(share.start % of == 0 for share in shares if len(share)), "the batches that one would make"
        assert max(map(len, shares)) - min(map(len, shares)) <= 2 * of


@pytest.mark.parametrize("size", [2, 3])
def test_X05_processes_share_each_batch_and_see_every_image_once_an_epoch(size: int) -> None:
    for images in range(1, 2 * size + 2):
        sampler = Sampler(images, 2 * size, 7, 64, 96, random=1.3)
        parts = [list(Batches(sampler, 1, images, rank, size)) for rank in range(size)]
        shared = [list(itertools.chain(*part)) for part in zip(*parts, strict=True)]
        assert shared == list(Batches(sampler, 1, images))
        seen = [(draw.epoch, draw.index) for draw in itertools.chain(*shared)]
        assert sorted(seen) == [(epoch, index) for epoch in range(2 * size) for index in range(images)]


def net_of(**keys: int) -> Net:
    return network(*BODY, shape=(3, 32, 32), net="".join(f"{k}={v}\n" for k, v in keys.items())).graph.net


@pytest.mark.parametrize(
    "keys, processes, hint",
    [
        ({"batch": 6, "subdivisions": 1}, 4, "give --set net.batch=8, or start fewer processes"),
        (
            {"batch": 64, "subdivisions": 16},
            8,
            "give --set net.subdivisions=8; each process then has 1 images",
        ),
        (
            {"batch": 12, "subdivisions": 4},
            2,
            "give --set net.subdivisions=3; each process then has 2 images",
        ),
    ],
)
def test_a_batch_that_cannot_be_shared_out_is_refused(
    keys: dict[str, int], processes: int, hint: str
) -> None:
    with pytest.raises(UsageError, match="is not a multiple of") as caught:
        check_batch_split(net_of(**keys), processes)
    assert caught.value.hint.startswith(hint)
    check_batch_split(net_of(batch=64, subdivisions=4), 8)


def test_X12_nothing_that_would_be_unpickled_travels() -> None:
    pickled = {name for name in dir(torch.distributed) if "object" in name}
    assert {"all_gather_object", "broadcast_object_list", "scatter_object_list"} <= pickled
    users = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not {getattr(node, field, None) for field in ("attr", "id", "name")} & pickled, path
            if {getattr(node, "module", None), getattr(node, "name", None)} & {"torch.distributed"}:
                users.add(path.relative_to(PACKAGE).as_posix())
    assert users == {f"distributed/{name}.py" for name in ("communicator", "gradient_sync", "rendezvous")}


def test_what_processes_tell_each_other_arrives(tmp_path: Path) -> None:
    def act(communicator: Communicator) -> None:
        assert communicator.gather(b"x" * 5 * communicator.rank) == [b"", b"xxxxx", b"xxxxxxxxxx"]
        assert communicator.gather(b"") == [b""] * 3
        assert communicator.gather_json({"rank": communicator.rank}) == [
            {"rank": 0},
            {"rank": 1},
            {"rank": 2},
        ]
        assert communicator.broadcast_json([communicator.rank, 0.1]) == [0, 0.1]
        assert communicator.sum(torch.tensor([1.0 + communicator.rank])).item() == 6
        pair = [torch.full((2, 2), float(communicator.rank)), torch.tensor(3.0 * communicator.rank)]
        communicator.mean(pair)
        assert [tensor.mean().item() for tensor in pair] == [1, 3]
        handed = torch.tensor([communicator.rank + 7])
        communicator.broadcast(handed)
        assert handed.item() == 7
        with communicator.local_section() as flags:
            flags.stop = communicator.rank == 2
        assert flags.stop
        assert not flags.save

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [0, 0, 0], together.said()


def test_X02_of_several_failures_the_first_is_reported_and_the_others_are_silent(tmp_path: Path) -> None:
    def act(communicator: Communicator) -> int:
        try:
            with communicator.local_section():
                if communicator.rank:
                    raise DataError(f"of rank {communicator.rank}")
        except PeerFailed:
            return 10
        except DataError as error:
            return 11 if error.message == "of rank 1" else 13
        return 12

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [10, 11, 10], together.said()


def test_X02_what_all_meet_is_reported_by_one_that_knows_more(tmp_path: Path) -> None:
    def act(communicator: Communicator) -> int:
        try:
            communicator.raise_on_all(DataError("met by all"), informed=communicator.rank == 2)
        except PeerFailed as error:
            return error.exit_code
        except DataError:
            return 20
        return 12

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [3, 3, 20], together.said()


def test_X02_an_exception_outside_of_all_agreement_is_reported_alone(tmp_path: Path) -> None:
    """The others find the connection closed, and know that the cause is reported."""

    def act(communicator: Communicator) -> int:
        if communicator.rank == 1:
            raise KeyError("the cause")
        try:
            communicator.gather(b"waits")
        except PeerFailed:
            return 10
        return 12

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [10, 99, 10], together.said()
    assert "KeyError: 'the cause'" in together.said()[1]


def test_X03_a_process_that_gives_no_answer_is_reported_once(tmp_path: Path) -> None:
    def act(communicator: Communicator) -> int:
        if communicator.rank == 0:  # which has the store that the others ask who reports
            time.sleep(3)
            return 0
        try:
            communicator.gather(b"waits")
        except DistributedError as error:
            return 10 if error.message == "another process did not answer for 2 seconds" else 13
        except PeerFailed:
            return 11
        return 12

    together = in_ranks(tmp_path, 3, act, seconds=2.0)
    codes = together.wait()
    assert sorted(codes[1:]) == [10, 11], together.said()


BODY = (
    section("convolutional", filters=8, size=3, stride=2, pad=1, activation="leaky"),
    section("convolutional", filters=8, size=3, stride=2, pad=1, activation="leaky", stopbackward=3),
    section("convolutional", filters=8, size=3, pad=1, activation="mish"),
    section("convolutional", filters=14, activation="linear"),
    section("yolo", mask="0,1", anchors="8,8, 20,20", num=2, classes=2, ignore_thresh=0.2),
)
IMAGES = torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(1))
ROWS = [np.array([[0.3 + 0.04 * k, 0.5, 0.3, 0.4, k % 2]]) for k in range(12)]


def trained(communicator: Communicator, net: str = "", body: tuple[str, ...] = BODY) -> Trainer:
    """Four updates on twelve images, of which each process has its share."""
    torch.manual_seed(0)
    one = Trainer(
        network(*body, shape=(3, 32, 32), net=f"batch=12\nsubdivisions=2\n{net}"), communicator=communicator
    )
    mine = communicator.share(12)
    for iteration in range(1, 5):
        truths = Truths.of(ROWS[mine.start : mine.stop])
        one.step(IMAGES[mine.start : mine.stop], truths, rate=0.05, iteration=iteration)
    return one


@pytest.mark.parametrize("net", ["", "adam=1\nema_decay=.9"], ids=["sgd", "adam-average"])
def test_processes_together_do_what_one_does_alone(tmp_path: Path, net: str) -> None:
    """Layers that rest until the third update, and parameters that are never used, included."""
    alone = trained(Communicator(), net)

    def act(communicator: Communicator) -> None:
        gradient_sync.BUCKET_MB = 200 / 2**20  # several buckets
        one = trained(communicator, net)
        assert len(one.sync.parallel.reducer._get_zeros_like_grad_buckets()) > 3
        for (name, p), q in zip(one.network.named_parameters(), alone.network.parameters(), strict=True):
            assert torch.allclose(p, q, rtol=0, atol=1e-6), name
        whole = communicator.gather(b"".join(value for _, value in sorted(state(one).items())))
        assert whole[0] == whole[1] == whole[2]

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [0, 0, 0], together.said()


def test_X14_running_statistics_are_the_mean_over_processes(tmp_path: Path) -> None:
    first = section(
        "convolutional", filters=8, size=3, stride=4, pad=1, activation="leaky", batch_normalize=1
    )

    def act(communicator: Communicator) -> None:
        one = trained(communicator, body=(first, *BODY[2:]))
        (norm,) = one.norms
        statistics = communicator.gather(
            norm.running_mean.numpy().tobytes() + norm.running_var.numpy().tobytes()
        )
        assert statistics[0] == statistics[1]
        assert norm.running_mean.abs().max() > 1e-3

    together = in_ranks(tmp_path, 2, act)
    assert together.wait() == [0, 0], together.said()


def test_a_parameter_that_one_process_uses_is_updated_in_all_and_one_that_none_uses_rests(
    tmp_path: Path,
) -> None:
    def act(communicator: Communicator) -> None:
        module = torch.nn.Module()
        module.weights = torch.nn.ParameterList(torch.ones(3) for _ in range(3))

        def forward(images: torch.Tensor) -> torch.Tensor:
            used = module.weights[0] * (2.0 + communicator.rank)
            return used + 5 * module.weights[1] if communicator.rank and images.item() else used

        for part in ((1,), (1, 0), (0, 1)):  # in the only pass, in the first of two, in the last
            sync = GradientSync(module, forward, communicator)
            module.zero_grad()
            for number, images in enumerate(part, start=1):
                if number == len(part):
                    sync.begin()
                sync(torch.tensor(images)).sum().backward()
            assert sync.finish(torch.tensor(1.5)).item() == 3
            assert module.weights[0].grad.tolist() == [5 * len(part)] * 3
            assert module.weights[1].grad.tolist() == [5, 5, 5]
            assert module.weights[2].grad is None

    together = in_ranks(tmp_path, 2, act)
    assert together.wait() == [0, 0], together.said()


@pytest.mark.parametrize("layer", [0, 2, 3], ids=["last-bucket", "between", "first-bucket"])
def test_X02_a_failure_in_the_midst_of_a_backward_pass_ends_all(tmp_path: Path, layer: int) -> None:
    """The process that failed completes the sums of the buckets that it has not sent."""

    def act(communicator: Communicator) -> int:
        gradient_sync.BUCKET_MB = 200 / 2**20
        graph = network(*BODY, shape=(3, 32, 32), net="batch=12\n")
        one = Trainer(graph, communicator=communicator)

        def fail(gradient: torch.Tensor) -> None:
            raise KeyError("the cause")

        if communicator.rank == 1:
            one.network.layers[layer].conv.weight.register_hook(fail)
        mine = communicator.share(12)
        try:
            one.step(
                IMAGES[mine.start : mine.stop],
                Truths.of(ROWS[mine.start : mine.stop]),
                rate=0.05,
                iteration=9,
            )
        except PeerFailed:
            return 10
        except KeyError:
            return 11
        return 12

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [10, 11, 10], together.said()


class _Twice(Communicator):
    """Processes of which one sends the share of another."""

    def gather_json(self, value: object) -> list[object]:
        return [value, value]


def test_X13_an_image_that_is_scored_twice_is_found_out() -> None:
    with pytest.raises(AssertionError, match="evaluated twice, or not at all"):
        gathered_results(_Twice(ProcessInfo(size=2)), 4, [0, 1], [])
    assert gathered_results(Communicator(), 2, [0, 1], [{"image_id": 9}]) == [{"image_id": 9}]


class FirstOf(Dataset):
    """Some of a data set's images."""

    def __init__(self, whole: Dataset, count: int) -> None:
        self.whole, self.count = whole, count
        self.names, self.category_ids, self.dropped = whole.names, whole.category_ids, {}

    def __len__(self) -> int:
        return self.count

    def record(self, index: int) -> Record:
        return self.whole.record(index)

    def pixels(self, index: int) -> np.ndarray:
        return self.whole.pixels(index)


def test_X13_boxes_are_scored_as_by_one_process(unbroken: Unbroken, tmp_path: Path) -> None:
    net = Network.from_cfg(unbroken.out / "net.cfg")
    load_weights(net, unbroken.out / "final.weights")
    whole = unbroken.plan(tmp_path).train

    def scores(count: int, batch: int, communicator: Communicator | None = None) -> DetectionEvaluation:
        settings = EvaluationSettings(threshold=0.01, batch=batch)
        return evaluate_detector(TorchEngine(net), FirstOf(whole, count), settings, communicator=communicator)

    sizes = [(count, batch) for count in range(1, 8) for batch in (1, 2)]
    alone = [scores(*size) for size in sizes]
    assert all(found.detections for found in alone)

    def act(communicator: Communicator) -> None:
        assert [scores(*size, communicator) for size in sizes] == alone

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [0, 0, 0], together.said()


def test_X13_classes_are_scored_as_by_one_process(tmp_path: Path) -> None:
    net, settings = classifier(), EvaluationSettings(batch=2, train=Pictures(9, seed=1))
    alone = [evaluate_classifier(TorchEngine(net), Pictures(count), settings) for count in range(1, 8)]

    def act(communicator: Communicator) -> None:
        together = [
            evaluate_classifier(TorchEngine(net), Pictures(count), settings, communicator=communicator)
            for count in range(1, 8)
        ]
        assert together == alone

    together = in_ranks(tmp_path, 3, act)
    assert together.wait() == [0, 0, 0], together.said()


def test_X09_processes_that_start_again_do_not_meet_those_that_are_gone() -> None:
    store = HashStore()
    store.set("join/1", "one that is gone")
    store.set("address", "of one that is gone")
    with ThreadPoolExecutor() as pool:
        other = pool.submit(fresh_store, store, ProcessInfo(rank=1, size=2), 20)
        mine = fresh_store(store, ProcessInfo(rank=0, size=2), 20)
        theirs = other.result()
    assert not mine.check(["address"])
    mine.set("address", "new")
    assert theirs.get("address") == b"new"


def test_X03_processes_that_never_come_are_reported() -> None:
    with pytest.raises(RuntimeError, match="no answer from process 1"):
        fresh_store(HashStore(), ProcessInfo(rank=0, size=2), 0.1)


def test_a_batch_that_epochs_make_smaller_can_be_shared() -> None:
    net = "batch=64\nsubdivisions=16\nmax_batches=9"
    graph = compile(parse(f"[net]\nwidth=32\nheight=32\nchannels=3\n{net}\n" + "".join(BODY)))
    for processes in (1, 2, 3, 8):
        limits = BatchLimits(processes=processes)
        chosen = fit_to_data(graph, classes=2, images=4000, epochs=1, limits=limits).net
        check_batch_split(chosen, processes)
        assert {1: 13, 2: 12, 3: 12, 8: 8}[processes] == chosen.batch
