"""What other tools call Darknet's sections, keys and values: the word that a foreign word stands for.

These come before spelling. `silu` is one letter away from `selu`, another function, and is Darknet's `swish`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from darknet_py.cfg.diagnostics import did_you_mean

ACTIVATIONS = {
    "swish": "silu swish1",
    "linear": "none identity id null no noact no_activation lin",
    "logistic": "sigmoid sigm logsig logit",
    "leaky": "lrelu leakyrelu",
    "hardtan": "hardtanh htanh hard_tan",
    "hard_mish": "hardmish hmish",
}
IOUS = {"ciou": "complete_iou", "diou": "distance_iou", "giou": "generalized_iou"}
VALUES: dict[str, dict[str, str]] = {  # by key: Darknet's value, and what others call it
    "activation": ACTIVATIONS,
    "lstm_activation": ACTIVATIONS,
    "policy": {
        "steps": "multistep multisteplr milestones",
        "sgdr": "cosine cos cosine_annealing cosineannealinglr",
        "exp": "exponential exponentiallr",
        "poly": "polynomial polylr",
        "constant": "const fixed none",
        "step": "steplr",
    },
    "nms_kind": {
        "greedynms": "greedy nms hard hard_nms standard",
        "diounms": "diou diou_nms",
        "cornersnms": "corners corner cornernms",
    },
    "iou_loss": IOUS | {"mse": "l2 mse_loss squared"},
    "iou_thresh_kind": IOUS,
    "type": {"sse": "l2 sum_squared", "l1": "mae", "smooth": "huber smooth_l1"},
    "weights_type": {"per_feature": "scalar per_input per_map", "per_channel": "channel channelwise"},
    "weights_normalization": {"relu": "fast fast_normalized", "none": "no linear"},
}
IOU_KINDS = "eiou siou wiou fiou alpha_iou focal_eiou mpdiou piou riou gwd kld"
UNRELATED = {  # by key: values of other tools that Darknet has nothing for, so that none is suggested
    "activation": "softmax celu crelu prelu rrelu frelu aconc acon metaacon softplus softsign softmin "
    "log_softmax hard_swish h_swish hard_sigmoid h_sigmoid maxout glu "
    "swiglu geglu sine sin sinc gaussian step sign abs square exp dice tanhshrink softshrink hardshrink "
    "smish serf phish logish tanhexp eswish isru isrlu squareplus snake erf",
    "nms_kind": "soft soft_nms matrix matrix_nms wbf weighted weighted_nms cluster fast fast_nms cornersnms",
    "iou_loss": IOU_KINDS,
    "iou_thresh_kind": IOU_KINDS,
    "policy": "linear warmup onecycle plateau reducelronplateau cyclic inv htd",
    "type": "mse bce ce cross_entropy focal kl logistic softmax",
}
UNRELATED["lstm_activation"] = UNRELATED["activation"]

REBUILT = {  # sections that are others with certain keys
    "route_lhalf": "[route] with groups=2 and group_id=0 is that",
    "route_rhalf": "[route] with groups=2 and group_id=1 is that",
    "depthwise": "[convolutional] with groups= the channels it reads is that",
    "depthwise_convolutional": "[convolutional] with groups= the channels it reads is that",
    "depthwise_conv": "[convolutional] with groups= the channels it reads is that",
    "dwconv": "[convolutional] with groups= the channels it reads is that",
    **dict.fromkeys(
        ("relu", "leaky", "mish", "swish", "silu", "linear", "sigmoid", "tanh"),
        "a function is the `activation` of a layer, or an [activation] by itself",
    ),
}

WINDOWED = {  # of convolutions, pools and whatever has these keys
    "size": "kernel_size kernel ksize k filter_size kernel_shape window pool_size",
    "stride": "step subsample downsample",
    "stride_x": "stride_w strides_x",
    "stride_y": "stride_h strides_y",
    "filters": "out_channels output_channels channels_out num_filters num_output features out_planes",
    "batch_normalize": "bn batchnorm batch_normalization use_bn norm",
    "activation": "act act_fn nonlinearity activation_function activations",
    "groups": "num_groups group",
    "dilation": "dilation_rate rate atrous dilate",
    "output": "filters units outputs out_features num_output out_channels hidden_units",
}
HEAD = {
    "classes": "num_classes nc n_classes class_num nb_classes class",
    "num": "num_anchors n_anchors anchors_num",
    "mask": "anchor_mask anchors_mask masks",
    "ignore_thresh": "ignore_threshold ignore",
    "nms_kind": "nms nms_type",
    "iou_loss": "box_loss iou_type loss_iou iou_loss_type",
    "label_smooth_eps": "label_smoothing label_smooth",
}
KEYS: dict[str, dict[str, str]] = {  # by section
    "net": {
        "learning_rate": "lr base_lr lr0 initial_learning_rate",
        "decay": "weight_decay wd l2 l2_reg regularization",
        "max_batches": "max_iter max_iters max_iterations iterations num_iterations total_iterations",
        "burn_in": "warmup warmup_iters warmup_iterations warmup_steps",
        "batch": "batch_size bs",
        "subdivisions": "accumulate gradient_accumulation accumulation_steps",
        "policy": "lr_policy scheduler lr_scheduler schedule learning_rate_policy",
        "channels": "in_channels input_channels num_channels depth",
        "width": "w img_w image_width input_width",
        "height": "h img_h image_height input_height",
        "scales": "lr_scales",
        "steps": "lr_steps milestones",
    },
    "route": {"layers": "from inputs input layer sources"},
    "shortcut": {"from": "layers layer input source"},
    "sam": {"from": "layers layer"},
    "scale_channels": {"from": "layers layer"},
    "upsample": {"stride": "scale_factor factor upscale ratio times"},
    "dropout": {"probability": "p prob rate dropout ratio drop_prob dropout_rate"},
    **dict.fromkeys(("yolo", "Gaussian_yolo", "region", "detection"), HEAD),
}


@dataclass(frozen=True)
class Meant:
    """What was probably meant by a word, or why nothing is suggested.

    Args:
        word: Darknet's word; empty where none is likely.
        reason: where the word comes from, or what to use instead; empty for a misspelling.
    """

    word: str = ""
    reason: str = ""


def meant_value(key: str, text: str, known: Collection[str]) -> Meant:
    """The value of a key that was meant: as others call it, else by its spelling.

    >>> meant_value("activation", "SiLU", ["selu", "swish"]).word
    'swish'
    >>> meant_value("activation", "prelu", ["relu", "elu"])
    Meant(word='', reason='it is another function, and Darknet has none for it')
    """
    return _meant(text, known, VALUES.get(key, {}), _packed(UNRELATED.get(key, "").split()))


def meant_key(
    section: str, text: str, known: Collection[str], *, owner: Callable[[str], str] = lambda key: ""
) -> Meant:
    """The key of a section that was meant, one of those that it lacks.

    Args:
        owner: another section that has a key of this name, or an empty string. Such a key is no misspelling.
    """
    meant = _meant(text, known, KEYS.get(section, WINDOWED), frozenset())
    plural = text in (f"{meant.word}s", meant.word.removesuffix("s"))
    if meant.word and not meant.reason and not plural and (other := owner(text)):
        return Meant("", f"it is a key of [{other}]")
    return meant


def meant_section(text: str, known: Collection[str], other_names: dict[str, str]) -> Meant:
    """The section that was meant; for some, how Darknet's sections make it.

    Args:
        other_names: by section, what other tools call it.
    """
    name = text.lower().replace("-", "_")
    if name in REBUILT:
        return Meant("", REBUILT[name])
    return _meant(text, known, other_names, frozenset())


def _meant(text: str, known: Collection[str], names: dict[str, str], unrelated: frozenset[str]) -> Meant:
    typed = next(iter(_packed([text])))
    words = [word for word, others in names.items() if word in known and typed in _packed(others.split())]
    if words:
        called = " or ".join(f"`{word}`" for word in words)
        return Meant(words[0] if len(words) == 1 else "", f"Darknet calls it {called}")
    if typed in unrelated:
        return Meant("", "it is another function, and Darknet has none for it")
    return Meant(did_you_mean(text, known))


def _packed(words: Iterable[str]) -> frozenset[str]:
    """Words as they are compared: in lower case, without what tools put between their parts."""
    return frozenset(word.lower().replace("_", "").replace("-", "") for word in words)
