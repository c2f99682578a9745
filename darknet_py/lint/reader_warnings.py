"""Rules of warnings that the keys and the layers report themselves, while a cfg is read."""

from __future__ import annotations

from darknet_py.lint.base import GraphRule

READER_WARNINGS: tuple[GraphRule, ...] = (
    GraphRule(
        "bad-anchors",
        "warning",
        "more or fewer anchors than num, where the masks do without the difference",
        "Darknet reads `num` pairs, drops those behind them, and fills missing ones with 0.5. The masks stay "
        "within what is listed, so that the result is the same; `num` should be the number of pairs.",
    ),
    GraphRule(
        "bad-assigner",
        "warning",
        "an assigner that the head's loss does not support",
        "`assigner` chooses which boxes a true box is assigned to. Assigners that compare losses of boxes "
        "need one of overlaps: set `iou_loss` to ciou, giou, diou or iou.",
    ),
    GraphRule(
        "bad-name",
        "warning",
        "names of another tool, which no reference uses",
        "`name` is what references call a layer. In a cfg without such references, a name with other "
        "characters than letters, digits and `_` is reported once and ignored.",
    ),
    GraphRule(
        "bad-value",
        "warning",
        "steps and scales that do not pair up or ascend, keys of [net] that contradict each other",
        "Each key is right by itself, and together they do not do what the cfg seems to say. The reason "
        "says what happens, or that training is refused until the keys agree.",
    ),
    GraphRule(
        "duplicate-name",
        "warning",
        "repeated names of another tool, which no reference uses",
        "Layers may share a name as long as no reference uses one; the first is reported.",
    ),
    GraphRule(
        "duplicate-key",
        "warning",
        "a second line of a key; Darknet keeps the first",
        "A reader of the cfg expects the last line to count. Delete the line that is not used.",
    ),
    GraphRule(
        "inline-comment",
        "warning",
        "a comment behind a number, which Darknet's reader stops at",
        "Darknet has no comments behind values. Its number reader stops at the first other character, so "
        "the number is read; behind a word the comment becomes part of the word, which is an error. Put "
        "the comment on a line of its own.",
    ),
    GraphRule(
        "joined-digits",
        "warning",
        "digits with white space between them, which Darknet joins to one number",
        "Darknet drops all white space of a line: `filters=3 2` is 32, and `anchors=10 14` is 1014. Put "
        "commas between the numbers of a list.",
    ),
    GraphRule(
        "not-run",
        "warning",
        "a layer or a key that is understood and not computed here",
        "`show`, `diff` and `edit` work with such a cfg; a network is not built from it, and the other "
        "verbs report this as an error. The reason says why.",
    ),
    GraphRule(
        "trailing-text",
        "warning",
        "a unit or a comment behind a number, at which Darknet's reader stops",
        "`416px`, `16000d` and `32 // filters` are read as the number. Where the rest could change what the "
        "number means, as in `16k`, `41O` or `1e3` for a whole number, it is an error.",
    ),
    GraphRule(
        "unknown-key",
        "warning",
        "a key that its section does not have, and that is similar to none that it lacks",
        "Darknet ignores the key too. It may belong to another section or to another fork of Darknet. "
        "Delete the line, or ignore the warning.",
    ),
)
