"""Story. A person's own file of layers: what it brings to every verb, and what is said when it is wrong."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from darknet_py.__main__ import main
from darknet_py.cfg.document import parse
from darknet_py.cli.main import VERBS
from darknet_py.layers.catalogue import ALIASES, CATALOGUE
from darknet_py.layers.plugins import fingerprint_of, keep_plugins, load_plugins

GOOD = '''from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool, hide


class Least(WindowPool, section="leastpool", aliases=("least",)):
    """The least cell of each window.

        [leastpool]
        size = 2
        stride = 2
    """

    scale: float = key(1.0, above=0, doc="what it is multiplied by")

    def reduce(self, cells, inside):
        return -hide(-cells, inside).amax(-1) * self.scale
'''
LAYER = "from darknet_py.layers.base import Layer\nfrom darknet_py.cfg.keys import key\n\n\n"
POOL = "from darknet_py.layers.pools.base import WindowPool\n\n\n"
CFG = """[net]
width=32
height=32
channels=3
batch=2
max_batches=3
[convolutional]
filters=39
size=3
stride=4
pad=1
activation=linear
[leastpool]
size=3
stride=1
[convolutional]
filters=39
size=1
activation=linear
[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
classes=8
num=3
"""
HERE = "FILE"  # stands for the plug-in's path in what is expected
EXAMPLE = '\n   = a plug-in holds a class such as `class MyPool(WindowPool, section="mypool")`'
ERRORS = {  # what is wrong: the file, and the whole message
    "a bracket that stays open": (
        "import math\nfoo(\n",
        f"{HERE}:2:4: error: is not Python: '(' was never closed\n   = the line is `foo(`",
    ),
    "bytes that are no text": ("\0", f"{HERE}: error: is not Python: it has a NUL byte at offset 0{EXAMPLE}"),
    "a name that is not there": (
        "x = 1\nfoo()\n",
        f"{HERE}:2: error: NameError: name 'foo' is not defined\n   = the line is `foo()`",
    ),
    "an error in a function it calls": (
        "def f():\n    return 1 / 0\n\n\nf()\n",
        f"{HERE}:2: error: ZeroDivisionError: division by zero\n   = the line is `return 1 / 0`",
    ),
    "an exit": (
        "import sys\nsys.exit(0)\n",
        f"{HERE}:2: error: SystemExit: 0\n   = the line is `sys.exit(0)`",
    ),
    "a module that is not installed": (
        "import no_such_thing\n",
        f"{HERE}:1: error: needs a module that is not installed: no_such_thing\n"
        "   = a plug-in is one file; what it imports must be installed",
    ),
    "no layer": ("x = 1\n", f"{HERE}: error: declares no layer{EXAMPLE}"),
    "a layer without a section": (
        f'{LAYER}class Mine(Layer):\n    """Mine."""\n',
        f"{HERE}: error: declares no layer{EXAMPLE}",
    ),
    "a section that is taken": (
        f'{LAYER}class Mine(Layer, section="maxpool"):\n    """Mine."""\n',
        f"{HERE}:5: error: [maxpool] is claimed by Mine and by another class",
    ),
    "an alias that is taken": (
        f'{LAYER}class Mine(Layer, section="max"):\n    """Mine."""\n',
        f"{HERE}:5: error: [max] is claimed by Mine and by another class",
    ),
    "no docstring": (
        f'{LAYER}class Mine(Layer, section="mine"):\n    pass\n',
        f"{HERE}:5: error: Mine has no docstring",
    ),
    "a key with an empty doc": (
        f'{LAYER}class Mine(Layer, section="mine"):\n    """Mine."""\n\n    p: int = key(1, doc="")\n',
        f"{HERE}:5: error: Mine.p has no doc",
    ),
    "a key without doc": (
        f'{LAYER}class Mine(Layer, section="mine"):\n    """Mine."""\n\n    p: int = key(1)\n',
        f"{HERE}:8: error: TypeError: key() missing 1 required keyword-only argument: 'doc'\n"
        "   = the line is `p: int = key(1)`",
    ),
    "a key without type": (
        f'{LAYER}class Mine(Layer, section="mine"):\n    """Mine."""\n\n    p = key(1, doc="power")\n',
        f"{HERE}:5: error: TypeError: 'p' is a field but has no type annotation\n"
        '   = the line is `class Mine(Layer, section="mine"):`',
    ),
    "a key of a type that no cfg has": (
        f'{LAYER}class Mine(Layer, section="mine"):\n    """Mine."""\n\n    p: dict = key(1, doc="power")\n',
        f"{HERE}:5: error: Mine.p is of a type that no cfg can hold: dict\n"
        "   = expected int, float, bool, str, tuple[int, ...], tuple[float, ...]",
    ),
    "a type that is not there": (
        f'{LAYER}class Mine(Layer, section="mine"):\n    """Mine."""\n\n    p: "Power" = key(1, doc="p")\n',
        f"{HERE}:5: error: a type of Mine is not known: name 'Power' is not defined\n"
        "   = import what its annotations name",
    ),
    "a section that no cfg can say": (
        f'{LAYER}class Mine(Layer, section="my pool"):\n    """Mine."""\n',
        f"{HERE}:5: error: [my pool] cannot be used in a cfg\n"
        "   = a section is called by letters, digits and _ . + -",
    ),
    "a pool without a rule": (
        f'{POOL}class Mine(WindowPool, section="mine"):\n    """Mine."""\n',
        f"{HERE}:4: error: [mine] has no rule\n   = write `reduce(self, cells, inside)`, or `module`",
    ),
}


@pytest.fixture(autouse=True)
def _no_plugin_stays() -> Iterator[None]:
    yield
    load_plugins([])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "least.py").write_text(GOOD)
    (tmp_path / "a.cfg").write_text(CFG)
    return tmp_path


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_plugins(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    assert "--plugin" in capsys.readouterr().out


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_the_file_is_one_message(
    error: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, message = ERRORS[error]
    file = place / "mine.py"
    file.write_text(text)
    before = set(CATALOGUE) | set(ALIASES)
    assert main(["lint", "--plugin", str(file), str(place / "a.cfg")]) == 3
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", message.replace(HERE, str(file)) + "\n")
    assert set(CATALOGUE) | set(ALIASES) == before, "nothing of it stays"
    assert not list(place.rglob("*.pyc"))


def test_a_file_that_is_not_there_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, words in ((place / "no.py", "no such file"), (place, "is not a regular file")):
        assert main(["show", "--plugin", str(path), str(place / "a.cfg")]) == 3
        told = capsys.readouterr().err
        assert told == f"{path}: error: {words}; expected a Python file with layers in it\n"


def test_bytes_that_are_no_utf8_are_no_python(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "mine.py").write_bytes(b"\xff\xfe")
    assert main(["show", "--plugin", str(place / "mine.py"), str(place / "a.cfg")]) == 3
    assert "mine.py:1" in (told := capsys.readouterr().err)
    assert "error: is not Python: " in told


def test_two_files_of_one_name_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "other").mkdir()
    (place / "other" / "least.py").write_text(GOOD)
    two = ["--plugin", str(place / "least.py"), "--plugin", str(place / "other" / "least.py")]
    assert main(["lint", *two, str(place / "a.cfg")]) == 2
    assert capsys.readouterr().err.startswith("error: two plug-ins are called least.py\n")


def test_without_the_file_the_section_is_unknown_and_with_it_known(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg, plugin = str(place / "a.cfg"), ["--plugin", str(place / "least.py")]
    assert main(["lint", cfg]) == 1
    assert "[leastpool] is not known" in capsys.readouterr().out
    assert main(["lint", cfg, *plugin, *plugin]) == 0, "the same file twice is one"
    assert main(["show", cfg, *plugin, "--json"]) == 0
    capsys.readouterr()
    assert main(["lint", cfg]) == 1, "it is forgotten afterwards"


def test_what_a_class_does_after_its_keys_are_read_is_done(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`__post_init__`, as in any dataclass."""
    asks = '\n    def __post_init__(self) -> None:\n        raise ValueError("asked")\n'
    (place / "least.py").write_text((place / "least.py").read_text().rstrip("\n") + "\n" + asks)
    assert main(["lint", str(place / "a.cfg"), "--plugin", str(place / "least.py")]) == 3
    assert "ValueError: asked" in capsys.readouterr().err


def test_a_misspelling_of_its_section_is_understood(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "a.cfg").write_text(CFG.replace("[leastpool]", "[leastpol]"))
    assert main(["lint", str(place / "a.cfg"), "--plugin", str(place / "least.py")]) == 1
    assert "did you mean `[leastpool]`?" in capsys.readouterr().out


def test_its_card_is_drawn_like_any(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", "least", "--plugin", str(place / "least.py"), "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert (card["section"], card["summary"]) == ("leastpool", "The least cell of each window.")
    assert card["keys"][0]["name"] == "scale"


def test_a_file_that_was_changed_is_read_again(place: Path) -> None:
    (before,) = load_plugins([place / "least.py"])
    (place / "least.py").write_text(GOOD.replace("least cell", "smallest cell"))
    (after,) = load_plugins([place / "least.py"])
    assert before.sha256 == hashlib.sha256(GOOD.encode()).hexdigest() != after.sha256
    assert "smallest" in (CATALOGUE["leastpool"].__doc__ or "")


def test_an_exception_in_its_own_code_is_told_with_its_line(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "least.py").write_text(GOOD + "\n    def cost(self, *maps):\n        return 1 / 0\n")
    assert main(["show", str(place / "a.cfg"), "--plugin", str(place / "least.py")]) == 3
    told = capsys.readouterr().err
    assert told == (
        f"{place / 'least.py'}:19: error: ZeroDivisionError: division by zero\n"
        "   = the line is `return 1 / 0`\n"
    )


def test_the_digest_is_part_of_what_a_run_is_where_its_cfg_speaks_of_the_file(place: Path) -> None:
    plugins = load_plugins([place / "least.py"])
    wanted = {"plugins": {"least.py": hashlib.sha256(GOOD.encode()).hexdigest()}}
    assert fingerprint_of(plugins, parse(CFG)) == wanted
    assert fingerprint_of(plugins, parse(CFG.replace("[leastpool]", "[least]"))) == wanted
    assert fingerprint_of(plugins, parse("[net]\n[spp]\npool=leastpool\n")) == wanted
    assert fingerprint_of(plugins, parse(CFG.replace("[leastpool]", "# leastpool\n[maxpool]"))) == {}


def test_the_file_is_kept_beside_the_cfg_that_needs_it(place: Path) -> None:
    plugins = load_plugins([place / "least.py"])
    keep_plugins(plugins, parse("[net]\n[maxpool]\n"), place / "none")
    keep_plugins(plugins, parse(CFG), place / "run")
    assert not (place / "none").exists()
    assert (place / "run" / "least.py").read_text() == GOOD


def train(place: Path, *more: str, out: str = "run") -> int:
    words = ["--cfg", str(place / "a.cfg"), "--plugin", str(place / "least.py")]
    data = ["--data", "scenes:train=4,val=2,size=96", "--out", str(place / out)]
    return main(["train", *words, *data, "--evaluations", "1", *more])


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_that_load_images_do_without_the_file(start: str, place: Path) -> None:
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(start, force=True)
    try:
        assert train(place, "--workers", "1") == 0
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert json.loads((place / "run" / "result.json").read_bytes())["training"]["iterations"] == 3


@pytest.mark.slow
def test_a_run_remembers_the_file_and_is_another_run_with_another_text(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare = ["compare", str(place / "a.cfg"), str(place / "a.cfg") + "@1.section=maxpool", "--seeds", "1"]
    compare += ["--plugin", str(place / "least.py"), "--data", "scenes:train=4,val=2,size=96"]
    compare += ["--evaluations", "1", "--out", str(place / "out")]
    assert main(compare) == 0
    results = [json.loads(f.read_bytes()) for f in sorted((place / "out").rglob("result.json"))]
    digest = hashlib.sha256(GOOD.encode()).hexdigest()
    assert [r["fingerprint"].get("plugins") for r in results] == [{"least.py": digest}, None]
    (place / "least.py").write_text(GOOD + "# another\n")
    capsys.readouterr()
    assert main(compare) == 3
    told = capsys.readouterr().err
    assert "a/seed-0/result.json: error: is the result of another run: plugins differ" in told
