"""Golden. Oracle: the declarations; what `layers` prints of them, whole for one card."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from darknet_py.layers.cards import card, cards
from darknet_py.layers.catalogue import ALIASES, CATALOGUE
from tests.command import Cli
from tests.paths import ROOT

LOCAL_AVGPOOL = """[local_avgpool] (also [local_avg])
The mean of the existing cells of each window, as Darknet's forward pass computes it.

Darknet's CPU backward pass divides by size² at the borders too; here the gradient is exact.

    [local_avgpool]
    size = 2
    stride = 2

key       type          default   unit  meaning
stride    whole number  1         cells  step of the window (1 .. 8192)
stride_x  whole number  stride    cells  step along a row (1 .. 8192)
stride_y  whole number  stride    cells  step along a column (1 .. 8192)
size      whole number  stride    cells  side of the window (1 .. 8192)
padding   whole number  size - 1         cells added to each axis, both sides together (0 .. 16384)
adaptive  whole number  0                rows and columns of the output, instead of size and stride; 0: off (0
                                         .. 1024)

shared   keys of every section: learning_rate, stopbackward, onlyforward, dont_update, burnin_update,
         train_only_bn, dontload, dontloadscales, dontsave, clip, name
weights  none: it has no array in a .weights file
"""


def test_the_catalogue_is_a_line_a_section(cli: Cli) -> None:
    code, out, err = cli("layers")
    assert (code, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines()} == set(CATALOGUE)
    assert "local_avgpool    The mean of the existing cells" in out


def test_a_card_says_all_of_a_declaration(cli: Cli) -> None:
    for name in ("local_avgpool", "[local_avgpool]", "local_avg"):
        assert cli("layers", name) == (0, LOCAL_AVGPOOL, "")


@pytest.mark.parametrize("section", sorted(CATALOGUE))
def test_every_section_has_a_card(section: str, cli: Cli) -> None:
    code, out, err = cli("layers", section)
    assert (code, err) == (0, "")
    assert all(len(line) <= 110 for line in out.splitlines())
    for key in card(section).keys:
        assert key.name in out


def test_a_card_tells_what_is_ignored_refused_needed_and_ordered(cli: Cli) -> None:
    out = " ".join(cli("layers", "convolutional")[1].split())
    assert "CUDA stream - ignored: only for CUDA scheduling" in out
    assert "transposed weights - any other value is refused: the weights would be read in the wrong" in out
    limit = "with any other value the network is understood and not run"
    assert f"binary weights - {limit}: binary networks are not computed" in out
    assert "weights Biases first, then BN's scales, means and variances, then the weights; none of" in out
    assert "from whole numbers needed" in " ".join(cli("layers", "shortcut")[1].split())


def test_a_card_names_its_relatives_and_its_paper(cli: Cli) -> None:
    out = " ".join(cli("layers", "softpool")[1].split())
    assert "law with temperature = 0.001 it comes within 1 % of [maxpool]" in out
    assert 'source Stergiou, Poppe and Kalliatakis, "Refining activation downsampling with SoftPool", ' in out
    assert "ICCV 2021, arXiv:2101.00440" in out


def test_json_has_these_words_and_no_other(cli: Cli) -> None:
    listed = json.loads(cli("layers", "--json")[1])
    assert {tuple(one) for one in listed} == {("section", "summary")}
    one = json.loads(cli("layers", "stochpool", "--json")[1])
    assert set(one) == {
        "section", "aliases", "summary", "text", "example", "keys", "sources", "relatives", "weights",
    }  # fmt: skip
    assert set(one["keys"][0]) == {
        "name", "type", "default", "range", "unit", "doc", "ignored", "refused", "not_run", "owner",
    }  # fmt: skip
    assert one["keys"][0]["range"] == "relu, shift, softmax, abs"


def test_an_unknown_section_is_told_with_a_suggestion_or_with_those_there_are(
    cli: Cli,
) -> None:
    assert cli("layers", "stochpol") == (
        2,
        "",
        "error: [stochpol] is not known\n   = did you mean `stochpool`?\n",
    )
    assert cli("layers", "pineapple")[2].startswith("error: [pineapple] is not known\n   = known are ")


def test_every_alias_and_every_paper_of_a_docstring_is_found() -> None:
    assert {alias: one.section for one in cards() for alias in one.aliases} == ALIASES
    for one in cards():
        numbers = "".join((one.summary, *one.text)).count("arXiv:")
        assert sum("arXiv:" in source for source in one.sources) == numbers, one.section


def test_layers_answers_without_torch() -> None:
    code = (
        "import sys; from darknet_py.__main__ import main; main(['layers']); main(['layers', 'netvlad']);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'cv2', 'matplotlib')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
