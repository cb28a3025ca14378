"""One pass through a rewired model, on tensors without memory, before any weights."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from ...utils.families import ExportMisfit
from ..export_info import ExportInfo
from .shapes import IMAGES, Maps, Misfit, image, maps_of, measured, part, run, side_of

# Of detectors without a neck, which read the backbone's maps themselves.
_DENSE = ("rpn_head", "bbox_head", "mask_head")
_SEGMENTING = ("decode_head", "auxiliary_head")


def prove(
    model: Mapping[str, Any],
    before: Mapping[str, Any],
    export: ExportInfo,
    scope: str,
    side: int | None = None,
) -> bool:
    """Runs backbone, neck and the heads that can be run alone.

    What a head cannot do with the backbone that it came with either, such as to read
    points, says nothing about the export.

    Args:
        model: The rewired one's config.
        before: The same, as it was.
        export: What was put in.
        scope: Of the types, see `scope_of`.
        side: Of the images, pixels; None: one that every stride divides.

    Returns:
        Whether every weight of the backbone that is trained gets a gradient.

    Raises:
        UserError: What does not fit, in a sentence.
    """
    necks = model.get("neck") or []
    necks = necks if isinstance(necks, list | tuple) else [necks]
    if any("type" not in config for config in (model["backbone"], *necks)):
        return True  # nothing of it could be built
    try:
        return _Pass(model, before, scope, side).run()
    except Misfit as misfit:
        old = before["backbone"].get("type")
        hint = "; take a config with GlobalAveragePooling and LinearClsHead"
        raise ExportMisfit(
            f"export {export.name} does not fit in the place of {old}: {misfit}"
            f"{hint if 'head' in model else ''}"
        ) from misfit


class _Pass:
    def __init__(
        self,
        model: Mapping[str, Any],
        before: Mapping[str, Any],
        scope: str,
        side: int | None,
    ) -> None:
        self.model, self.before, self.scope = model, before, scope
        self.side = side or side_of(model["backbone"])

    def run(self) -> bool:
        backbone = part(self.model["backbone"], self.scope, "backbone")
        for training in (False, True):
            outputs = self._outputs(self.model, backbone, training)
            found = self._heads(self.model, outputs, training)
        return _reached(backbone, found or outputs)

    def _outputs(
        self, model: Mapping[str, Any], backbone: nn.Module, training: bool
    ) -> Any:
        """Returns what heads read."""
        backbone.train(training)
        channels = model["backbone"].get("in_channels", 3)
        outputs = run(backbone, "backbone", image(self.side, channels))
        if not model.get("neck"):
            return outputs
        neck = part(model["neck"], self.scope, "neck")
        neck.train(training)
        kind = _types(model["neck"])
        outputs = run(neck, f"the neck {kind}", outputs)
        if "head" not in model and not training:
            self._compare(maps_of(outputs, f"the neck {kind}", self.side), kind)
        return outputs

    def _compare(self, maps: Maps, kind: str) -> None:
        """Refuses other maps than the ones that a detector's heads are made for."""
        expected = measured(self.before, self.scope)
        if any(name in self.model for name in _SEGMENTING) or len(expected) < 2:
            return  # segmentors resize their maps
        if maps != expected[1]:
            raise Misfit(
                f"the neck {kind} gives maps of strides {_row(maps.strides)} and "
                f"{_row(maps.channels)} channels, and the heads are made for strides "
                f"{_row(expected[1].strides)} and {_row(expected[1].channels)}"
            )

    def _heads(
        self, model: Mapping[str, Any], outputs: Any, training: bool
    ) -> list[Any]:
        found: list[Any] = []
        for place, config, several in _heads_of(model):
            name = f"{place} {config.get('type')}"
            more = (found[-1],) if several else ()
            try:
                found.append(self._head(config, name, outputs, training, more))
            except Misfit:
                if "head" not in model and self._fails_anyway(place, training):
                    found.append(outputs)
                    continue
                raise
        return found

    def _head(
        self, config: Any, name: str, outputs: Any, training: bool, more: tuple
    ) -> Any:
        head = part(config, self.scope, name)
        head.train(training)
        if "MaskFormer" in str(config["type"]) or "Mask2Former" in str(config["type"]):
            size = {"img_shape": (self.side, self.side)}
            size |= {"batch_input_shape": size["img_shape"]}
            more = ([BaseDataElement(metainfo=size) for _ in range(IMAGES)],)
        return run(head, name, outputs, *more)

    def _fails_anyway(self, place: str, training: bool) -> bool:
        """Whether the head cannot be run alone with its own backbone either."""
        try:
            backbone = part(self.before["backbone"], self.scope, "backbone")
            old = _Pass(self.before, self.before, self.scope, None)
            outputs = old._outputs(self.before, backbone, training)
        except Misfit:
            return True
        found: list[Any] = []
        for other, config, several in _heads_of(self.before):
            more = (found[-1],) if several else ()
            try:
                found.append(old._head(config, other, outputs, training, more))
            except Misfit:
                if other == place:
                    return True
                found.append(outputs)
        return False


def _heads_of(model: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """Yields places and configs of heads, and whether they read the one before."""
    if "head" in model:
        if isinstance(model["head"], Mapping):
            yield "the head", model["head"], False
        return
    dense = () if model.get("neck") else _DENSE
    for place in (*_SEGMENTING, *dense):
        heads = model.get(place) or []
        several = isinstance(heads, list | tuple)
        for number, head in enumerate(heads if several else [heads]):
            cascade = place == "decode_head" and number > 0
            yield f"{place}[{number}]" if several else place, head, cascade


def _reached(backbone: nn.Module, outputs: Any) -> bool:
    weights = [p for p in backbone.parameters() if p.requires_grad]
    ends = [t.float().sum() for t in _tensors(outputs) if t.requires_grad]
    if not weights or not ends:
        return True
    found = torch.autograd.grad(sum(ends[1:], ends[0]), weights, allow_unused=True)
    return all(gradient is not None for gradient in found)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)


def _types(neck: Any) -> str:
    parts = neck if isinstance(neck, list | tuple) else [neck]
    return " and ".join(str(one.get("type")) for one in parts)


def _row(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
