"""The search for sub-nets, and straightforward loops that do the same."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.image_sample import ImageSample, draw_images
from mmtaskssl.models.elastic import collect_statistics
from mmtaskssl.networks import Network, open_network
from mmtaskssl.registry import MODELS
from mmtaskssl.search.encoders import Encoder, Encoders, load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.prefixes import make_steps
from mmtaskssl.search.scorer import MeanInterval, Scorer
from mmtaskssl.search.strategies import draw
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.devices import AUTO, pick_device
from mmtaskssl.utils.families import OptionConflict
from mmtaskssl.utils.spaced import spaced

from .clock import Clock

# How far their scores may be off ours: by rounding; and by Bessel's correction, which
# calibration keeps and a pass that normalises by its batch does not know.
LOOPS = {"one-pass loop": 1e-4, "two-pass loop": 1e-2}


@dataclass(frozen=True)
class Setting:
    """What is searched, and how it is timed.

    Attributes:
        images: Folder or list of images.
        config: Of a supernet, with ``checkpoint``; None: an untrained one.
        checkpoint: Its weights.
        image_size: Side of the crop in pixels; None: the config's, or 40.
        num_images: How many are drawn.
        candidates: How many sub-nets are scored.
        loop_candidates: How many of them the loops and floors run.
        metric: Name of a similarity.
        device: See `pick_device`.
        seed: Of all draws.
        clock: ``cpu`` or ``wall``, of a CPU.
        trust_checkpoint: Load the checkpoint even if that runs code in it.
    """

    images: str
    config: str | None = None
    checkpoint: str | None = None
    image_size: int | None = None
    num_images: int = 256
    candidates: int = 40
    loop_candidates: int = 10
    metric: str = "global"
    device: str = AUTO
    seed: int = 0
    clock: str = "cpu"
    trust_checkpoint: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", str(pick_device(self.device)))


def load(setting: Setting) -> tuple[Encoders, EvalTransform]:
    """Returns the networks and the transform of the images.

    Raises:
        UserError: A config without checkpoint, or the other way around.
    """
    if (setting.config is None) != (setting.checkpoint is None):
        raise OptionConflict("--config and --checkpoint go together")
    device = setting.device
    if setting.config is not None:
        network = open_network(
            setting.config,
            setting.checkpoint,
            trust=setting.trust_checkpoint,
            subnets=True,
        )
        transform = network.preprocessing
        if setting.image_size:
            transform = replace(transform, image_size=setting.image_size)
        return load_encoders(network, device), transform
    torch.manual_seed(setting.seed)
    backbone = MODELS.build({"type": "mmtaskssl.DynamicResNet", "space": "data_basic"})
    neck = MODELS.build(
        {
            "type": "mmtaskssl.ElasticNonLinearNeck",
            "in_channels": backbone.stage_channels()[-1],
            "hid_channels": 512,
            "out_channels": 128,
        }
    )
    student = Encoder(backbone.eval().to(device), neck.eval().to(device))
    transform = EvalTransform(setting.image_size or 40)
    network = Network(backbone, "drawn", "random", transform)
    return Encoders(deepcopy(student), student, network, True), transform


class SearchBench:
    """The contenders, as functions from candidates to scores.

    Args:
        setting: What is searched.

    Attributes:
        seconds: By name of what was timed.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.clock = Clock(setting.device, wall=setting.clock == "wall")
        self.encoders, self.transform = load(setting)
        self.metric = get_metrics([setting.metric])[0]
        backbone = self.encoders.student.backbone
        space = backbone.space
        self.largest = space.max
        self.candidates = draw(space, lambda s: True, setting.candidates, setting.seed)
        sized = sorted(self.candidates, key=lambda s: backbone.cost(s).macs)
        self.some = spaced(sized, setting.loop_candidates)
        self.seconds: dict[str, float] = {}
        self.sample = self.read()

    def read(self) -> ImageSample:
        """Decodes the images, as each search begins with."""
        count, seed = self.setting.num_images, self.setting.seed
        return draw_images(self.setting.images, self.transform, count, count, seed)

    def timed(self, name: str, call: Callable[[], object]) -> object:
        """Adds the seconds of a call to those of a name."""
        spent, result = self.clock.timed(call)
        self.seconds[name] = self.seconds.get(name, 0.0) + spent
        return result

    def ours(self) -> dict[Subnet, float]:
        """Runs the package's search."""
        sample = self.timed("read the images", self.read)
        count = len(sample.ids)
        scorer = Scorer(self.encoders, sample, [self.metric], count, count)
        self.timed("run the teacher", lambda: scorer.references)
        interval = MeanInterval(count)
        scores = {}
        begin = self.clock.now()
        for subnet, values in scorer.score(self.candidates):
            scores[subnet] = values[self.metric.name].mean()
            self.timed("intervals", lambda v=values: interval(v[self.metric.name]))
        self.seconds["candidates"] = (
            self.clock.now() - begin - self.seconds["intervals"]
        )
        runner = scorer.runner
        self.shared = runner.steps_shared / (runner.steps_run + runner.steps_shared)
        return scores

    def loop(self, passes: int) -> dict[Subnet, float]:
        """Begins anew with each candidate; see the module."""
        scores = {}
        for subnet in self.some:
            images = self.chunk(self.read())
            outs = [
                self.one_pass(encoder, which, images)
                if passes == 1
                else self.two_passes(encoder, which, images)
                for encoder, which in (
                    (self.encoders.teacher, self.largest),
                    (self.encoders.student, subnet),
                )
            ]
            reference = self.metric.describe(outs[0])
            scores[subnet] = float(self.metric.similarity(outs[1], reference).mean())
        return scores

    def chunk(self, sample: ImageSample) -> Tensor:
        """Returns all images as one normalised batch."""
        pixels = sample.pixels.to(self.setting.device)
        return self.transform.normalize(pixels).contiguous(
            memory_format=torch.channels_last
        )

    @torch.inference_mode()
    def one_pass(self, encoder: Encoder, subnet: Subnet, images: Tensor) -> Tensor:
        """Returns features of a network that normalises by the batch."""
        body = encoder.backbone.extract(subnet, uncalibrated_ok=True).train()
        maps = body(images)[-1]
        return self.head(encoder, subnet, maps)

    @torch.inference_mode()
    def two_passes(self, encoder: Encoder, subnet: Subnet, images: Tensor) -> Tensor:
        """Returns features of a network that was calibrated before."""
        body = self.calibrated(encoder, subnet, images)
        return self.head(encoder, subnet, body(images)[-1])

    def calibrated(self, encoder: Encoder, subnet: Subnet, images: Tensor) -> nn.Module:
        """Returns the plain network with statistics of the images."""
        backbone = encoder.backbone
        statistics = collect_statistics(backbone, subnet, [images])
        body = backbone.extract(subnet, uncalibrated_ok=True).eval()
        at = 0
        for unit in backbone.view(subnet).units.values():
            norm = body.get_submodule(unit.norm)
            part = statistics[:, at : at + norm.num_features]
            norm.running_mean, norm.running_var = part[0].clone(), part[1].clone()
            at += norm.num_features
        return body

    def head(self, encoder: Encoder, subnet: Subnet, maps: Tensor) -> Tensor:
        """Runs what the metric needs behind the last feature map."""
        # The neck's few vectors cost nothing; its norms as in the search.
        return self.metric.head(encoder, subnet, maps.shape[1], False)(maps)

    @torch.inference_mode()
    def floors(self) -> None:
        """Times evaluation and calibration passes of the candidates alone."""
        images = self.chunk(self.sample)
        student = self.encoders.student
        for subnet in self.some:
            steps = self.timed(
                "build", lambda s=subnet: make_steps(student.backbone, s)
            )
            # The first pass measures, the second finds everything measured.
            self.timed("measuring pass", lambda p=steps: _through(p, images))
            self.timed("forward", lambda p=steps: _through(p, images))
            self.timed(
                "calibration pass",
                lambda s=subnet: collect_statistics(student.backbone, s, [images]),
            )


def _through(steps, x: Tensor) -> Tensor:
    for step in steps:
        x = step.module(x)
    return x
