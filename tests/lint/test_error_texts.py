"""Golden. Oracle: the whole text of one error of each code, as drawn, approved once by a person."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import darknet_py
from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked, warnings
from darknet_py.lint.registry import RULES, rule_of

NET = "[net]\nwidth=64\nheight=64\nchannels=3\n"  # lines 1 to 4
CONV = "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n"
HALF = CONV.replace("size=3", "size=3\nstride=2")
FLAT = "[convolutional]\nfilters=18\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1\nanchors=10,14,23,27\nclasses=4\nnum=2\n"


def graph_of(text: str) -> Graph:
    return compile_checked(parse(text, path="a.cfg"))


GOLDEN = {
    "no-net": (
        CONV,
        """\
a.cfg:1:1: error[no-net]: the first section is not [net]
   |
  1| [convolutional]
   | ^^^^^^^^^^^^^^^
   = a cfg begins with [net], the size of the input""",
    ),
    "no-layers": (
        NET,
        """\
a.cfg:1:1: error[no-layers]: there is no layer after [net]
   |
  1| [net]
   | ^^^^^""",
    ),
    "second-net": (
        NET + CONV + "[net]\n",
        """\
a.cfg:10:1: error[second-net]: a second [net]; a cfg has one, at its beginning
   |
 10| [net]
   | ^^^^^""",
    ),
    "no-section": (
        "classes=1\n",
        """\
a.cfg:1:1: error[no-section]: classes=1 is before the first section
   |
  1| classes=1
   | ^^^^^^^^^
   = a cfg begins with [net]""",
    ),
    "no-key": (
        NET + CONV + "batch_normalize\n",
        """\
a.cfg:10:1: error[no-key]: batch_normalize is not `key=value`
   |
 10| batch_normalize
   | ^^^^^^^^^^^^^^^
   = expected `key=value`, `[section]`, or `# comment`""",
    ),
    "no-value": (
        NET + CONV + "[route]\nlayers=\n",
        """\
a.cfg:11:1: error[no-value]: layers has no value
   |
 11| layers=
   | ^^^^^^^
   = Darknet drops such a line and uses the default""",
    ),
    "bad-section": (
        NET + "[convolutional] # first\nfilters=8\n",
        """\
a.cfg:5:1: error[bad-section]: [convolutional]#first is not a section; expected [name] alone on its line
   |
  5| [convolutional] # first
   | ^^^^^^^^^^^^^^^^^^^^^^^""",
    ),
    "not-ascii": (
        NET + CONV + "[route]\n\tlayers = \u22121\n",
        """\
a.cfg:11:2: error[not-ascii]: layers=\u22121 has characters that are not ASCII
   |
 11|  layers = \u22121
   |  ^^^^^^^^^^^""",
    ),
    "long-line": (
        NET + CONV + "x=" + "1" * 4095 + "\n",
        """\
a.cfg:10:1: error[long-line]: a line of 4,097 characters; at most 4,096 are read""",
    ),
    "too-long": (
        NET + CONV * 2048,
        """\
a.cfg:10240:1: error[too-long]: more than 2,048 sections
     |
10240| [convolutional]
     | ^^^^^^^^^^^^^^^""",
    ),
    "unknown-section": (
        NET + "[convolutionl]\nfilters=8\n",
        """\
a.cfg:5:1: error[unknown-section]: [convolutionl] is not known
   |
  5| [convolutionl]
   | ^^^^^^^^^^^^^^ did you mean `[convolutional]`?
   = Darknet puts a layer that does nothing in its place; here it is an error""",
    ),
    "unknown-key": (
        NET + "[convolutional]\nfilter=32\n",
        """\
a.cfg:6:1: error[unknown-key]: [convolutional] has no key `filter`
   |
  6| filter=32
   | ^^^^^^ did you mean `filters`?""",
    ),
    "unknown-value": (
        NET + "[convolutional]\n  activation = leeky\n",
        """\
a.cfg:6:16: error[unknown-value]: activation=leeky is not known
   |
  6|   activation = leeky
   |                ^^^^^ did you mean `leaky`?""",
    ),
    "missing-key": (
        NET + CONV + "[shortcut]\nactivation=linear\n",
        """\
a.cfg:10:1: error[missing-key]: [shortcut] needs `from=`: layers to add: negative counts back from here
   |
 10| [shortcut]
   | ^^^^^^^^^^""",
    ),
    "bad-value": (
        NET + "[convolutional]\nfilters=3x2\n",
        """\
a.cfg:6:9: error[bad-value]: filters=3x2: expected a whole number
   |
  6| filters=3x2
   |         ^^^""",
    ),
    "out-of-range": (
        NET + "[convolutional]\nfilters=2147483648\n",
        """\
a.cfg:6:9: error[out-of-range]: filters=2147483648 must be at most 1048576
   |
  6| filters=2147483648
   |         ^^^^^^^^^^""",
    ),
    "unsupported-key": (
        NET + "[convolutional]\nflipped=1\n",
        """\
a.cfg:6:9: error[unsupported-key]: flipped=1 is not supported: the weights would be read in the wrong order
   |
  6| flipped=1
   |         ^""",
    ),
    "bad-reference": (
        NET + CONV + CONV + "[route]\nlayers = -1, 5\n",
        """\
a.cfg:16:10: error[bad-reference]: layer 2 cannot read layer 5: that is a later layer
   |
 16| layers = -1, 5
   |          ^^^^^
   = layers count from 0 after [net]; layer 2 may read 0 to 1, or -1 to -2""",
    ),
    "reads-head": (
        NET + FLAT + YOLO + "[route]\nlayers=-1\n",
        """\
a.cfg:14:8: error[reads-head]: layer 2 reads layer 1, a [yolo]: its output is boxes, not a map
   |
 14| layers=-1
   |        ^^
   = put a [route] to an earlier layer between them""",
    ),
    "shapes-differ": (
        NET + CONV + HALF + "[route]\nlayers=-1,0\n",
        """\
a.cfg:17:8: error[shapes-differ]: maps of 32x32 and 64x64 cannot be concatenated
   |
 17| layers=-1,0
   |        ^^^^
   = layer 1 is 32x32; layer 0 is 64x64""",
    ),
    "bad-groups": (
        NET + CONV + CONV + "groups=3\n",
        """\
a.cfg:15:8: error[bad-groups]: groups=3 does not divide 8 channels and 8 filters
   |
 15| groups=3
   |        ^""",
    ),
    "too-small": (
        NET.replace("64", "2") + "[convolutional]\nsize=3\n",
        """\
a.cfg:6:6: error[too-small]: a kernel of 3 does not fit on a map of 2 x 2
   |
  6| size=3
   |      ^""",
    ),
    "bad-anchors": (
        NET + FLAT + YOLO.replace(",27", ""),
        """\
a.cfg:10:9: error[bad-anchors]: 3 numbers for num=2 anchors
   |
 10| anchors=10,14,23
   |         ^^^^^^^^
   = expected 4, a width and a height each""",
    ),
    "bad-filters": (
        NET + FLAT.replace("18", "255") + YOLO,
        """\
a.cfg:6:9: error[bad-filters]: filters=255 should be 18 = 2 anchors x (5 + 4 classes)
   |
  6| filters=255
   |         ^^^ did you mean `18`?
   = the [yolo] that reads this layer needs a map for every number it predicts""",
    ),
    "duplicate-value": (
        NET + "[spp]\nsizes=5,9,5\n",
        """\
a.cfg:6:7: error[duplicate-value]: a size is repeated; it would give the same map again
   |
  6| sizes=5,9,5
   |       ^^^^^""",
    ),
    "bad-name": (
        NET + CONV + "name=9a\n[route]\nlayers=@9a\n",
        """\
a.cfg:10:6: error[bad-name]: name=9a is no name
   |
 10| name=9a
   |      ^^
   = a name begins with a letter; letters, digits and `_` follow, and no comment on its line""",
    ),
    "duplicate-name": (
        NET + CONV + "name=a\n" + CONV + "name=a\n[route]\nlayers=@a\n",
        """\
a.cfg:16:6: error[duplicate-name]: a second layer called `a`; the first is layer 0, line 5
   |
 16| name=a
   |      ^""",
    ),
    "unknown-name": (
        NET + CONV + "[route]\nlayers=@zzz\n",
        """\
a.cfg:11:8: error[unknown-name]: no layer is called `zzz`
   |
 11| layers=@zzz
   |        ^^^^
   = names are none; `name =` gives one""",
    ),
    "too-large": (
        NET.replace("64", "256") + "[convolutional]\nfilters=65536\nsize=1\n",
        """\
a.cfg:5:1: error[too-large]: one image needs 16.0 GiB of maps, 0.0 GiB of weights and 0.0 TMACs up to here
   |
  5| [convolutional]
   | ^^^^^^^^^^^^^^^
   = less than 16 GiB each, and less than 1,000 TMACs, is allowed""",
    ),
}
WARNINGS = {
    "bad-sizes": (
        NET.replace("64", "98")
        + "resize_step=1\n"
        + CONV
        + HALF
        + "[upsample]\n[route]\nlayers=-1,0\n"
        + FLAT
        + YOLO
        + "random=1\n",
        """\
a.cfg:5:13: warning[bad-sizes]: at 71 x 71, the smallest size that training draws, the maps do not fit
   |
  5| resize_step=1
   |             ^
   = resize_step=1 should be a multiple of the network's stride""",
    ),
    "counts-net": (
        NET + CONV + HALF + CONV + "[route]\nlayers=1\n",
        """\
a.cfg:22:8: warning[counts-net]: layer 1 is the first of its size; layer 0 is the last before
   |
 22| layers=1
   |        ^
   = layers count from 0 after [net]; [net] itself has no number""",
    ),
    "covers-map": (
        NET.replace("64", "256") + HALF * 3 + "[maxpool]\nsize=43\nstride=1\n" + FLAT + YOLO + "random=1\n",
        """\
a.cfg:24:6: warning[covers-map]: a window of 43 covers the entire map of 28 x 28
   |
 24| size=43
   |      ^^
   = at an input of 224 x 224, which training draws, 33% of its cells, those at the middle, see all of it""",
    ),
    "heads-differ": (
        NET + CONV + FLAT + YOLO + "[route]\nlayers=0\n" + FLAT + YOLO.replace("27", "28"),
        """\
a.cfg:25:9: warning[heads-differ]: anchors=10,14,23,28 here, and the other heads have 10,14,23,27
   |
 25| anchors=10,14,23,28
   |         ^^^^^^^^^^^
   = anchor 1 is 23 x 28 here, 23 x 27 there""",
    ),
    "anchor-order": (
        NET
        + CONV
        + (NINE := FLAT.replace("18", "9") + YOLO.replace("0,1", "1", 1))
        + "[route]\nlayers=0\n"
        + HALF
        + NINE.replace("mask=1", "mask=0"),
        """\
a.cfg:14:6: warning[anchor-order]: the anchors on the map of 64 x 64 are larger than those on 32 x 32
   |
 14| mask=1
   |      ^
   = typical sides are 25 and 12 px; coarse maps see large objects""",
    ),
    "read-twice": (
        NET + CONV + "[route]\nlayers=-1\n[route]\nlayers=-1,0\n",
        """\
a.cfg:13:8: warning[read-twice]: this [route] reads layer 0 twice
   |
 13| layers=-1,0
   |        ^^^^
   = its channels are concatenated twice; layers 1 and 0 are that map""",
    ),
    "unread-map": (
        NET + CONV * 2 + "[route]\nlayers=0\n" + FLAT + YOLO,
        """\
a.cfg:10:1: warning[unread-map]: no layer reads the map of this [convolutional], layer 1
   |
 10| [convolutional]
   | ^^^^^^^^^^^^^^^
   = it is computed for nothing; a reference behind it may be wrong or missing""",
    ),
    "joined-digits": (
        NET + CONV + "stride = 1 0\n",
        """\
a.cfg:10:10: warning[joined-digits]: stride=10 is written with a space between two digits
   |
 10| stride = 1 0
   |          ^^^
   = Darknet drops white space, so that they are one number; numbers of a list need commas""",
    ),
    "input-channels": (
        NET.replace("channels=3", "channels=4") + CONV,
        """\
a.cfg:4:10: warning[input-channels]: channels=4, and an image has 3 channels, or 1 as grey
   |
  4| channels=4
   |          ^
   = train, eval and detect refuse this cfg; the network itself runs, on tensors of your own""",
    ),
    "large-kernel": (
        NET.replace("64", "2") + CONV.replace("size=3", "size=7"),
        """\
a.cfg:7:6: warning[large-kernel]: 40 of 49 taps read only zeros on a map of 2 x 2
   |
  7| size=7
   |      ^
   = a kernel of 7 is too large for it""",
    ),
    "late-step": (
        NET + "policy=steps\nmax_batches=90\nsteps=80,91\nscales=.1,.1\n" + CONV,
        """\
a.cfg:7:7: warning[late-step]: the step at 91 is never reached
   |
  7| steps=80,91
   |       ^^^^^
   = training ends at max_batches=90""",
    ),
    "map-grows": (
        NET + CONV.replace("size=3", "size=2"),
        """\
a.cfg:7:6: warning[map-grows]: size=2 with padding 1 makes the map 65 x 65, not 64 x 64
   |
  7| size=2
   |      ^
   = an odd size with pad=1 keeps every cell in its place""",
    ),
    "no-effect": (
        NET + CONV + "padding=2\n" + CONV.replace("size=3\npad=1", "size=1") + "dilation=2\n",
        """\
a.cfg:10:9: warning[no-effect]: padding=2 has no effect
   |
 10| padding=2
   |         ^
   = pad=1 takes size // 2, which is 1
a.cfg:15:10: warning[no-effect]: dilation=2 has no effect
   |
 15| dilation=2
   |          ^
   = a kernel of size=1 has one tap""",
    ),
    "omitted-key": (
        NET + HALF * 3 + CONV + HALF,
        """\
a.cfg:23:1: hint[omitted-key]: this [convolutional] has no `stride`
   |
 23| [convolutional]
   | ^^^^^^^^^^^^^^^
   = 4 others have it, and the same other keys""",
    ),
    "unused-anchor": (
        NET + FLAT.replace("18", "9") + YOLO.replace("0,1", "1", 1),
        """\
a.cfg:9:6: hint[unused-anchor]: no head uses anchor 0 (10 x 14)
   |
  9| mask=1
   |      ^""",
    ),
    "ignored-key": (
        NET + "dynamic_minibatch=1\n" + CONV,
        """\
a.cfg:5:1: warning[ignored-key]: dynamic_minibatch=1 is read and not honoured
   |
  5| dynamic_minibatch=1
   | ^^^^^^^^^^^^^^^^^
   = Darknet fills a GPU's memory so; here an update has `batch` images at every size""",
    ),
    "trailing-text": (
        NET + CONV.replace("filters=8", "filters = 8d"),
        """\
a.cfg:6:11: warning[trailing-text]: filters=8d is read as 8
   |
  6| filters = 8d
   |           ^^
   = Darknet's number reader stops at the first other character; write the number alone""",
    ),
    "unknown-key": (
        NET + CONV + "max_epochs=3\n",
        """\
a.cfg:10:1: warning[unknown-key]: [convolutional] has no key `max_epochs`
   |
 10| max_epochs=3
   | ^^^^^^^^^^
   = Darknet ignores it too""",
    ),
    "duplicate-key": (
        NET + "width=32\n" + CONV,
        """\
a.cfg:5:1: warning[duplicate-key]: a second `width` in this section is not used; line 2 is (64)
   |
  5| width=32
   | ^^^^^
   = Darknet keeps the first of two equal keys""",
    ),
    "inline-comment": (
        NET + "[convolutional]\nfilters = 30###P6\n",
        """\
a.cfg:6:11: warning[inline-comment]: filters=30###P6 is read as 30
   |
  6| filters = 30###P6
   |           ^^^^^^^
   = Darknet has no comments behind values; its number reader stops at the first other character""",
    ),
    "not-run": (
        NET + CONV + "xnor=1\n[crnn]\npad=1\n",
        """\
a.cfg:10:1: warning[not-run]: xnor=1 is understood, and not run here
   |
 10| xnor=1
   | ^^^^
   = binary networks are not computed
a.cfg:11:1: warning[not-run]: [crnn] is understood, and not run here
   |
 11| [crnn]
   | ^^^^^^
   = it depends on earlier frames, and images here have no order""",
    ),
    "odd-size": (
        NET.replace("width=64", "width=65") + HALF + FLAT + YOLO,
        """\
a.cfg:2:7: warning[odd-size]: width=65 is not a multiple of 2, the stride of the coarsest head
   |
  2| width=65
   |       ^^
   = 64 or 66 is""",
    ),
    "bad-value": (
        NET + "policy=steps\nsteps=1,2\nscales=.1\n" + CONV,
        """\
a.cfg:7:8: warning[bad-value]: 2 steps and 1 scales
   |
  7| scales=.1
   |        ^^
   = training is refused until they pair up""",
    ),
    "bad-assigner": (
        NET + FLAT + YOLO + "assigner=simota\n",
        """\
a.cfg:13:10: warning[bad-assigner]: assigner=simota with iou_loss=mse
   |
 13| assigner=simota
   |          ^^^^^^
   = its loss is of overlaps; training is refused until iou_loss is ciou, giou, diou or iou""",
    ),
}


CAUSES = {  # of maps that do not fit: what they probably come from is told first
    "counts-net": (
        NET + CONV + HALF + HALF + "[upsample]\n[route]\nlayers=-1,2\n",
        """\
a.cfg:24:8: warning[counts-net]: layers=-1,2 does not fit what reads it, and -1,1 does
   |
 24| layers=-1,2
   |        ^^^^ did you mean `-1,1`?
   = layers count from 0 after [net]; [net] itself has no number
a.cfg:24:8: error[shapes-differ]: maps of 32x32 and 16x16 cannot be concatenated
   |
 24| layers=-1,2
   |        ^^^^
   = layers 1 and 3 are 32x32; layer 2 is 16x16""",
    ),
    "map-grows": (
        NET + CONV + CONV.replace("size=3", "size=4") + "[route]\nlayers=-1,0\n",
        """\
a.cfg:12:6: warning[map-grows]: a kernel of 4 with pad=1 moves the size of the map by one
   |
 12| size=4
   |      ^
   = with size=3 or 5 the maps fit
a.cfg:16:8: error[shapes-differ]: maps of 65x65 and 64x64 cannot be concatenated
   |
 16| layers=-1,0
   |        ^^^^
   = layer 1 is 65x65; layer 0 is 64x64""",
    ),
    "odd-size": (
        NET.replace("64", "65") + HALF * 2 + "[upsample]\n[route]\nlayers=-1,0\n",
        """\
a.cfg:2:7: warning[odd-size]: width=65 and height=65 are not multiples of 4
   |
  2| width=65
   |       ^^
   = with 64 x 64 the maps fit, and with 68 x 68
a.cfg:19:8: error[shapes-differ]: maps of 34x34 and 33x33 cannot be concatenated
   |
 19| layers=-1,0
   |        ^^^^
   = layer 2 is 34x34; layer 0 is 33x33""",
    ),
    "omitted-key": (
        NET + HALF * 2 + CONV + HALF + "[upsample]\nstride=8\n[route]\nlayers=-1,0\n",
        """\
a.cfg:17:1: hint[omitted-key]: this [convolutional] has no `stride`
   |
 17| [convolutional]
   | ^^^^^^^^^^^^^^^
   = 3 others have it, and the same other keys
a.cfg:31:8: error[shapes-differ]: maps of 64x64 and 32x32 cannot be concatenated
   |
 31| layers=-1,0
   |        ^^^^
   = layer 4 is 64x64; layer 0 is 32x32""",
    ),
    "heads-differ": (
        NET + CONV + FLAT + YOLO + "[route]\nlayers=0\n" + FLAT + YOLO.replace("classes=4", "classes=5"),
        """\
a.cfg:26:9: warning[heads-differ]: classes=5 here, and classes=4 in the other heads
   |
 26| classes=5
   |         ^
   = the filters before it are for 4 classes
a.cfg:21:9: error[bad-filters]: filters=18 should be 20 = 2 anchors x (5 + 5 classes)
   |
 21| filters=18
   |         ^^ did you mean `20`?
   = the [yolo] that reads this layer needs a map for every number it predicts""",
    ),
}


@pytest.mark.parametrize("code", CAUSES)
def test_a_probable_cause_is_told_before_the_error(code: str) -> None:
    text, drawn = CAUSES[code]
    with pytest.raises(CfgError) as caught:
        graph_of(text)
    assert str(caught.value) == drawn
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize("code", GOLDEN)
def test_an_error_is_drawn_as_a_person_approved_it(code: str) -> None:
    text, drawn = GOLDEN[code]
    with pytest.raises(CfgError) as caught:
        graph_of(text)
    assert str(caught.value) == drawn
    assert [d.code for d in caught.value.diagnostics] == [code]


@pytest.mark.parametrize("code", WARNINGS)
def test_a_warning_is_drawn_as_a_person_approved_it(code: str) -> None:
    text, drawn = WARNINGS[code]
    assert "\n".join(str(d) for d in warnings(graph_of(text))) == drawn


def test_a_caret_stands_under_its_word_whatever_the_number_of_the_line() -> None:
    for lines in (0, 93, 993, 99_993):
        with pytest.raises(CfgError) as caught:
            graph_of("#\n" * lines + NET + "[convolutional]\nsize=0\n")
        _, source, caret = str(caught.value).split("\n")[1:]
        assert source[caret.index("^")] == "0"


def test_every_code_of_the_package_has_its_text_here() -> None:
    """A code is the `code=` of a Complaint or its third argument, the first of a rule or of `error`."""
    codes = set()
    for path in Path(darknet_py.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(call, ast.Call) and isinstance(call.func, (ast.Name, ast.Attribute))):
                continue
            name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
            found = [k.value for k in call.keywords if k.arg == "code"]
            place = {"Complaint": 2, "error": 0, "say": 1, "GraphRule": 0}.get(name)
            found += call.args[place : place + 1] if place is not None else []
            codes |= {c.value for c in found if isinstance(c, ast.Constant) and "-" in str(c.value)}
    assert codes <= set(GOLDEN) | set(WARNINGS)
    assert codes <= {rule.code for rule in RULES}
    assert len(codes) > 20


def test_the_codes_that_are_listed_are_those_that_are_drawn_here() -> None:
    drawn = {
        code for code in WARNINGS if f"warning[{code}]" in WARNINGS[code][1] or "hint" in WARNINGS[code][1]
    }
    assert drawn <= {rule.code for rule in RULES if rule.severity != "error"}
    assert set(GOLDEN) - {"not-run"} <= {rule.code for rule in RULES if rule.severity == "error"}
    assert rule_of("no-such-code") is None
