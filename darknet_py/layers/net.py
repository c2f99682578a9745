"""`[net]`: the input, and how the network is trained."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.schedule import Schedule

MEMORY = "a matter of Darknet's GPU memory; it changes no result"
SEQUENCES = "sequences are not trained"
EXPERIMENT = "an experiment of Darknet's that no published cfg sets"
CONTRASTIVE = "the loss of [contrastive] is not implemented"


class Net(Schedule, section="net", aliases=("network",)):
    """The size of the input, and the training schedule. Always the first section.

    [net]
    width = 416
    height = 416
    channels = 3
    batch = 64
    subdivisions = 2
    """

    width: int = key(0, at_least=0, at_most=8192, doc="columns of the input", unit="px")
    height: int = key(0, at_least=0, at_most=8192, doc="rows of the input", unit="px")
    channels: int = key(0, at_least=0, at_most=8192, doc="channels of the input, 3 for RGB")
    inputs_: int = key(
        0, name="inputs", at_least=0, at_most=1 << 28, doc="size of an input that is not an image"
    )
    saturation: float = key(1.0, above=0, doc="range of the random factor of saturation, 1 for none")
    exposure: float = key(1.0, above=0, doc="range of the random factor of brightness, 1 for none")
    hue: float = key(0.0, at_least=0, doc="range of the random shift of hue, as a fraction of the circle")
    flip: bool = key(True, doc="mirror half of the images")
    letter_box: bool = key(False, doc="keep the aspect of images, with a grey border")
    resize_step: int = key(32, at_least=1, doc="grid of the sizes of multi-scale training", unit="px")
    mosaic: bool = key(False, doc="every second sample is made of four images, detectors only")
    mosaic_bound: bool = key(False, doc="cut the boxes of a mosaic at their image's edge")
    mixup: int = key(0, doc="1: every second sample is a blend of two images")
    cutmix: bool = key(False, doc="every second sample has a part of another image, classifiers only")
    blur: int = key(0, at_least=0, doc="blur of images, or of what is around the boxes", unit="px")
    gaussian_noise: int = key(0, at_least=0, doc="standard deviation of noise, 8-bit levels")
    augment_versions: int = key(
        0,
        at_least=0,
        doc="each image is augmented in so many ways, which come back in later epochs; 0: anew in every "
        "epoch; not in Darknet",
    )
    label_smooth_eps: float = key(
        0.0, at_least=0, at_most=0.999, doc="what a classifier's truth gives to the other classes"
    )
    angle: float = key(0.0, at_least=0, doc="range of random rotation, classifiers only", unit="degrees")
    aspect: float = key(1.0, above=0, doc="range of the random factor of aspect, classifiers only")
    min_crop: int = key(
        same_as("width"), at_least=1, doc="least size of a classifier's image before its crop", unit="px"
    )
    max_crop: int = key(
        same_as("width", lambda width: 2 * width),
        at_least=1,
        doc="greatest size of a classifier's image before its crop",
        unit="px",
    )
    seq_scales: tuple[float, ...] = key((), doc="sequence scales", ignored="video sequences are not trained")
    time_steps: int = key(1, doc="length of sequences", ignored=SEQUENCES)
    track: int = key(0, doc="train on video sequences", ignored=SEQUENCES)
    augment_speed: int = key(2, doc="frames between those of a sequence", ignored=SEQUENCES)
    sequential_subdivisions: int = key(1, doc="parts of a sequence", ignored=SEQUENCES)
    dynamic_minibatch: bool = key(
        False,
        doc="more images in an update of a smaller size",
        ignored="Darknet fills a GPU's memory so; here an update has `batch` images at every size",
    )
    optimized_memory: int = key(0, doc="share GPU memory", ignored=MEMORY)
    workspace_size_limit_MB: float = key(1024.0, doc="cuDNN's workspace", ignored=MEMORY)
    max_chart_loss: float = key(
        20.0, doc="top of Darknet's loss chart", ignored="our curves scale themselves"
    )
    adversarial_lr: float = key(0.0, doc="self-adversarial training", ignored=EXPERIMENT)
    attention: int = key(0, doc="draw what adversarial training attends to", ignored=EXPERIMENT)
    unsupervised: int = key(0, doc="contrastive training", ignored=CONTRASTIVE)
    contrastive: int = key(0, doc="contrastive training", ignored=CONTRASTIVE)
    contrastive_jit_flip: int = key(0, doc="augmentation of contrastive training", ignored=CONTRASTIVE)
    contrastive_color: int = key(0, doc="augmentation of contrastive training", ignored=CONTRASTIVE)
    try_fix_nan: int = key(0, doc="replace NaN by zero", ignored="training stops at the first NaN instead")
    loss_scale: float = key(
        1.0,
        doc="multiplies gradients, and divides the learning rate",
        ignored="it serves gradients of 16 bits, and cancels out; here they have 32",
    )
    badlabels_rejection_percentage: float = key(
        0.0, doc="share of the largest gradients that are dropped late", ignored=EXPERIMENT
    )
    num_sigmas_reject_badlabels: float = key(
        0.0, doc="gradients beyond so many deviations are dropped late", ignored=EXPERIMENT
    )
    equidistant_point: int = key(
        0, doc="iteration after which small gradients are dropped", ignored=EXPERIMENT
    )
    weights_reject_freq: int = key(
        0, doc="iterations between rejections of similar filters", ignored=EXPERIMENT
    )
    use_cuda_graph: int = key(0, doc="CUDA graphs", ignored=MEMORY)
    show_receptive_field: int = key(0, doc="print the receptive field", ignored="`show` prints it always")
    max_epochs: int = key(0, doc="not used", ignored="Darknet ignores it too; use max_batches")
    seen: int = key(0, doc="not used", ignored="Darknet ignores it too; the weights file holds it")

    @property
    def flat(self) -> bool:
        """Whether the input is a vector instead of an image."""
        return self.inputs_ > 0 and 0 in (self.width, self.height, self.channels)

    def inputs(self, at: int) -> tuple[int, ...]:
        """None: it is the image."""
        return ()

    def shape(self, *maps: Shape) -> Shape:
        """The image, or `inputs` numbers in one cell where there is none."""
        if self.flat:
            return Shape(self.inputs_, 1, 1)
        return Shape(self.channels, self.height, self.width)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The input needs a size, and the schedule must be consistent."""
        if self.inputs_ == 0:
            for name in ("width", "height", "channels"):
                if getattr(self, name) < 1:
                    yield Complaint(
                        f"[net] has no {name}; the network needs the size of its input",
                        key=name,
                        code="missing-key",
                    )
        elif self.flat:
            message = f"inputs={self.inputs_} is understood, and not run here"
            reason = "the network reads numbers that are no image: it has no width, height and channels"
            yield Complaint(message, key="inputs", code="not-run", reason=reason, severity="warning")
        elif self.shape().floats != self.inputs_:
            message = f"inputs={self.inputs_} is read and not honoured"
            reason = f"the input is an image of {self.shape()}, {self.shape().floats} numbers"
            yield Complaint(message, key="inputs", code="ignored-key", reason=reason, severity="warning")
        yield from super().check(*maps)
        if self.mosaic and self.letter_box:
            message = "letter_box=1 with mosaic=1"
            reason = "Darknet refuses to train so; here each image of a mosaic keeps its aspect"
            yield Complaint(message, key="letter_box", severity="warning", reason=reason)
