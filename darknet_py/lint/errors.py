"""Rules of what makes a cfg unusable; the reader, the keys, the layers and `compile` report them by code."""

from __future__ import annotations

from darknet_py.lint.base import GraphRule

TEXT = (
    GraphRule(
        "bad-section",
        "error",
        "a header that is not [name] alone on its line",
        "Darknet takes the complete line as the name of the section, a comment behind it included. Write "
        "`[name]` alone, and put the comment on a line of its own.",
    ),
    GraphRule(
        "long-line",
        "error",
        "a line that is longer than any cfg's",
        "At most 4,096 characters of a line are read, so that a file that is no cfg is recognised early.",
    ),
    GraphRule(
        "no-key",
        "error",
        "a line that is not key=value",
        "A line is `key=value`, `[section]`, a comment that begins with `#` or `;`, or empty.",
    ),
    GraphRule(
        "no-section",
        "error",
        "a key before the first section",
        "A cfg begins with `[net]`; a key above it belongs to no section. A text without any section is no "
        "cfg, and its other lines are not reported.",
    ),
    GraphRule(
        "no-value",
        "error",
        "a key without a value",
        "Darknet drops such a line silently and uses the default. Write the value, or delete the line.",
    ),
    GraphRule(
        "not-ascii",
        "error",
        "letters or digits that are not ASCII, outside of comments",
        "Such characters look like a key or a number, and Darknet reads them as something else. They "
        "usually come from a word processor or a web page. Type the line again.",
    ),
    GraphRule(
        "too-long",
        "error",
        "more sections or keys than any cfg has",
        "At most 2,048 sections and 256 keys in a section are read; the rest of the file is not checked.",
    ),
)
KEYS = (
    GraphRule(
        "bad-value",
        "error",
        "a value that is not of its key's type, or contradicts another key",
        "The message says what was expected: a whole number, a number, a list, or a value that agrees with"
        " the other key it names. `darknet-py layers NAME` prints the type and the range of every key.",
    ),
    GraphRule(
        "duplicate-value",
        "error",
        "a number that is twice in a list",
        "Two pools of one size put out the same channels twice. Delete one of the numbers.",
    ),
    GraphRule(
        "missing-key",
        "error",
        "a key that has no default is not there",
        "The section has no meaning without this key. The message has the description of the key.",
    ),
    GraphRule(
        "out-of-range",
        "error",
        "a number outside of its range",
        "`darknet-py layers NAME` prints the range. Darknet itself often takes such a number and computes "
        "something else, or crashes.",
    ),
    GraphRule(
        "unknown-key",
        "error",
        "a key that its section does not have, and that is similar to one that it lacks",
        "Probably a misspelling: Darknet would ignore the line and use the default of the key that was "
        "meant. Take the suggestion. With `--lenient` the key is ignored with a warning, as in Darknet.",
    ),
    GraphRule(
        "unknown-value",
        "error",
        "a word that is not a value of its key",
        "For an activation that it does not know, Darknet prints a message and goes on with `relu`. Take "
        "the suggestion, or one of the listed words.",
    ),
    GraphRule(
        "unsupported-key",
        "error",
        "a key whose value is not supported",
        "The value changes what Darknet computes, and this program does not compute it so. The cfg is "
        "refused because its results would differ without a message.",
    ),
)
SECTIONS = (
    GraphRule(
        "no-layers",
        "error",
        "no layer after [net]",
        "`[net]` describes the input and the training; a network needs at least one layer after it.",
    ),
    GraphRule(
        "no-net",
        "error",
        "the first section is not [net]",
        "The first section has the size of the input and the training schedule. It is called `[net]` or "
        "`[network]`.",
    ),
    GraphRule(
        "second-net",
        "error",
        "a second [net]",
        "Two cfgs were probably joined. A cfg has one `[net]`, at its beginning.",
    ),
    GraphRule(
        "unknown-section",
        "error",
        "a section that is not known",
        "Darknet puts a layer that does nothing in its place, after which all numbers of layers are still "
        "right and the network is another. `darknet-py layers` lists the known sections; `--plugin "
        "FILE.py` adds your own.",
    ),
)
NETWORK = (
    GraphRule(
        "bad-anchors",
        "error",
        "anchors are not as many pairs as num says",
        "`anchors` has two numbers for each of the `num` anchors, and `mask` numbers them from 0. Darknet "
        "reads the first `num` pairs and takes 0.5 x 0.5 for those that are not listed. An error where a "
        "mask has an anchor beyond either: Darknet then computes with what its memory holds, or with that "
        "half pixel. Else a warning: only pjreddie's Darknet and AlexeyAB's `[Gaussian_yolo]` write further "
        "pairs past their memory.",
    ),
    GraphRule(
        "bad-filters",
        "error",
        "the layer before a head does not have the channels that the head needs",
        "A head needs, for each of its anchors and each cell, the box, the objectness and a score for "
        "every class. After a change of `classes` or `mask`, `filters` of the layer before must follow; "
        "the suggestion has the number.",
    ),
    GraphRule(
        "bad-groups",
        "error",
        "groups that do not divide the channels",
        "Groups and the blocks of `[reorg]` take equal parts of the channels. Choose a divisor.",
    ),
    GraphRule(
        "bad-name",
        "error",
        "a name that a layer cannot have",
        "A name begins with a letter; letters, digits and `_` follow. `net` is what edits call `[net]`.",
    ),
    GraphRule(
        "bad-reference",
        "error",
        "a reference to a layer that is not before",
        "Layers count from 0 after `[net]`; negative numbers count back from the layer that has them. A "
        "layer can only read layers before it. `darknet-py show` prints the numbers.",
    ),
    GraphRule(
        "duplicate-name",
        "error",
        "a layer's name that an earlier layer has",
        "References to the name would be ambiguous. Give each layer a name of its own.",
    ),
    GraphRule(
        "reads-head",
        "error",
        "a layer that reads the output of a head",
        "The output of a head is boxes, not a map. Put a `[route]` to an earlier layer between them.",
    ),
    GraphRule(
        "shapes-differ",
        "error",
        "maps that cannot be joined",
        "`[route]` needs maps of equal height and width; `[shortcut]`, `[sam]` and others say in the "
        "reason what must be equal. The mistake may be far above: a stride, a padding, a reference. Where "
        "one small change makes all maps fit, it is reported first.",
    ),
    GraphRule(
        "too-large",
        "error",
        "more memory or operations than any machine has",
        "One image would need 16 GiB of maps or of weights, or 1,000 TMACs. Usually a number has a digit "
        "too many.",
    ),
    GraphRule(
        "too-small",
        "error",
        "a window that does not fit on its map",
        "No position of the window lies within the map and its padding, so the layer would put out "
        "nothing. Use a larger input, a smaller window or padding.",
    ),
    GraphRule(
        "unknown-name",
        "error",
        "a reference to a name that no layer has",
        "`layers = @spp_in` refers to the layer with `name = spp_in`. Take the suggestion, or give the "
        "layer that name.",
    ),
)
ERRORS: tuple[GraphRule, ...] = (*TEXT, *KEYS, *SECTIONS, *NETWORK)
