"""Reference. Oracle: tests/reference/schedule.py, Darknet's formulas of the learning rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darknet_py.cfg.document import parse, read
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile
from darknet_py.train.schedule import check_schedule, learning_rate
from tests.paths import ROOT
from tests.reference import schedule as reference

CFGS = ROOT / "cfg"
ITERATIONS = [*range(1, 400), *range(400, 5000, 37), 5000]
LONG = {"learning_rate": 0.00261, "max_batches": 5000}
POLICIES = {
    "constant": {},
    "constant, warm-up": {"burn_in": 100},
    "warm-up by another power": {"burn_in": 250, "power": 1.5},
    "step": {"policy": "step", "step": 70, "scale": 0.9},
    "steps": {"policy": "steps", "steps": [50, 300, 3000], "scales": [0.1, 0.5, 2.0], "burn_in": 20},
    "steps within the warm-up": {"policy": "steps", "steps": [50, 300], "scales": [0.1, 0.5], "burn_in": 100},
    "steps out of order": {"policy": "steps", "steps": [300, 50], "scales": [0.1, 0.5]},
    "exp": {"policy": "exp", "gamma": 0.999},
    "exp, rising": {"policy": "exp", "gamma": 1.0005, "burn_in": 10},
    "poly": {"policy": "poly", "power": 4.0},
    "poly, warm-up": {"policy": "poly", "power": 2, "burn_in": 1000},
    "sigmoid": {"policy": "sigmoid", "gamma": 0.01, "step": 200},
    "sigmoid, rising": {"policy": "sigmoid", "gamma": -0.02, "step": 300},
    "sgdr": {"policy": "sgdr", "sgdr_cycle": 100},
    "sgdr, equal cycles": {"policy": "sgdr", "sgdr_cycle": 150, "sgdr_mult": 1, "learning_rate_min": 1e-4},
    "sgdr, one cycle": {"policy": "sgdr", "learning_rate_min": 0},
}


def net_of(**keys):
    lists = {key: ",".join(map(str, v)) if isinstance(v, list) else v for key, v in keys.items()}
    body = "".join(f"{key}={value}\n" for key, value in lists.items())
    return compile(parse(f"[net]\nwidth=8\nheight=8\nchannels=3\n{body}[convolutional]\n")).net


@pytest.mark.parametrize("keys", POLICIES.values(), ids=POLICIES)
def test_every_policy_is_darknets_formula(keys):
    mine = [learning_rate(net_of(**LONG, **keys), it) for it in ITERATIONS]
    theirs = [reference.rate(LONG | keys, it) for it in ITERATIONS]
    np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-18)


def test_every_iteration_of_yolov3s_500200_is_darknets_formula():
    net = compile(read(CFGS / "yolov3.cfg")).net
    keys = {"learning_rate": 0.001, "burn_in": 1000, "policy": "steps", "max_batches": 500_200}
    keys |= {"steps": [400_000, 450_000], "scales": [0.1, 0.1]}
    for name, value in keys.items():
        assert getattr(net, name) == (tuple(value) if isinstance(value, list) else value)
    iterations = range(1, net.max_batches + 1)
    mine = np.array([learning_rate(net, it) for it in iterations])
    theirs = np.array([reference.rate(keys, it) for it in iterations])
    assert len(mine) == 500_200
    np.testing.assert_allclose(mine, theirs, rtol=1e-14, atol=0)
    changes = np.flatnonzero(np.diff(mine)) + 2  # the iterations that differ from the one before
    assert changes[:999].tolist() == list(range(2, 1001))
    assert changes[999:].tolist() == [400_000, 450_000]


steps = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from([0.1, 0.5, 1.0, 3.0])), min_size=1, max_size=4
)
policies = st.one_of(
    st.just({"policy": "constant"}),
    st.fixed_dictionaries(
        {"policy": st.just("step"), "step": st.integers(1, 700), "scale": st.floats(0.3, 1.1)}
    ),
    steps.map(
        lambda pairs: {"policy": "steps", "steps": [a for a, _ in pairs], "scales": [b for _, b in pairs]}
    ),
    st.fixed_dictionaries({"policy": st.just("exp"), "gamma": st.floats(0.9, 1.01)}),
    st.just({"policy": "poly"}),
    st.fixed_dictionaries(
        {"policy": st.just("sigmoid"), "gamma": st.floats(-0.5, 0.5), "step": st.integers(1, 900)}
    ),
    st.fixed_dictionaries(
        {
            "policy": st.just("sgdr"),
            "sgdr_cycle": st.integers(1, 1500),
            "sgdr_mult": st.integers(1, 5),
            "learning_rate_min": st.sampled_from([0.0, 1e-5, 0.5]),  # 0.5 is above the rate itself
        }
    ),
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    policies,
    st.fixed_dictionaries(
        {
            "learning_rate": st.floats(1e-7, 10),
            "burn_in": st.sampled_from([0, 1, 2, 137, 1000, 5000]),
            "power": st.sampled_from([0.0, 0.25, 1.0, 4.0, 7.5]),
            "max_batches": st.just(1000),
        }
    ),
    st.lists(st.integers(1, 1000), min_size=20, max_size=20),
)
def test_odd_parameters_of_any_policy_give_darknets_formula(policy, keys, iterations):
    net = net_of(**keys, **policy)
    mine = [learning_rate(net, it) for it in (1, *iterations, 1000)]
    theirs = [reference.rate(keys | policy, it) for it in (1, *iterations, 1000)]
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-15 * keys["learning_rate"])


def test_the_first_update_is_iteration_1_of_the_warm_up():
    assert learning_rate(net_of(learning_rate=0.001, burn_in=1000), 1) == pytest.approx(1e-15)
    assert learning_rate(net_of(learning_rate=0.001, burn_in=1000), 1000) == 0.001


def test_a_random_rate_is_the_rate_by_a_uniform_number_to_a_power():
    net = net_of(**LONG, policy="random", power=3)
    shares = np.sort([learning_rate(net, it, seed=1) / net.learning_rate for it in range(1, 2001)]) ** (1 / 3)
    assert np.abs(shares - (np.arange(2000) + 0.5) / 2000).max() < 2.2 / 2000**0.5  # Kolmogorov: p = 1e-4


def test_a_random_rate_depends_on_seed_and_iteration_alone():
    net = net_of(**LONG, policy="random")
    assert learning_rate(net, 7, seed=1) == learning_rate(net, 7, seed=1)
    assert len({learning_rate(net, it, seed=seed) for it in (7, 8) for seed in (1, 2)}) == 4


@pytest.mark.parametrize("gamma", [1, -1, 5])
def test_a_steep_sigmoid_stays_finite_far_from_its_step(gamma):
    net = net_of(learning_rate=0.01, policy="sigmoid", gamma=gamma, step=1000)
    early, late = learning_rate(net, 1), learning_rate(net, 100_000)
    assert (early, late) == ((0.01, 0.0) if gamma > 0 else (0.0, 0.01))


@pytest.mark.parametrize(
    "keys",
    [
        {"policy": "exp", "gamma": 2},
        {"policy": "step", "scale": 10, "step": 1},
        {"policy": "poly", "power": -1},
    ],
)
def test_a_rate_beyond_all_numbers_is_refused(keys):
    with pytest.raises(UsageError, match="the learning rate of iteration 5000 is no number"):
        learning_rate(net_of(**LONG, **keys), 5000)


def test_poly_does_not_rise_again_after_the_last_iteration():
    net = net_of(**LONG, policy="poly", power=2)
    assert [learning_rate(net, it) for it in (5000, 5001, 6000)] == [0, 0, 0]


def test_steps_without_scales_are_refused_before_training():
    check_schedule(net_of(policy="steps", steps=[5, 9], scales=[1.0, 0.5]))
    with pytest.raises(UsageError, match="policy=steps with 2 steps and 1 scales cannot be trained"):
        check_schedule(net_of(policy="steps", steps=[5, 9], scales=[1.0]))
