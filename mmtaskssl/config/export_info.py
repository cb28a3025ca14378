"""What a config needs to know of an exported backbone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..datasets.eval_transform import EvalTransform
from ..runs import check_listed, verify
from ..utils.errors import UserError
from ..utils.families import FileDamaged, NotAResult, OptionMissing, PackageMissing
from ..utils.hashing import known_sha256
from ..utils.inputs import read_json
from .plain_network import check_plain_network

META = "meta.json"


@dataclass(frozen=True)
class ExportInfo:
    """An exported backbone, read from the folder that tools/export_subnet.py wrote.

    Attributes:
        folder: Absolute path.
        name: Of the sub-net, or of the network that has none.
        plain_network: Config of the network, without weights.
        out_channels: Channels of each of its stages.
        pyramid: The stages of strides 4, 8, 16 and so on.
        weights: The file; None leaves the network untrained.
        preprocessing: What the network expects of pixels; None: an older export, which
            does not say.
        features: Channels of the network's own output, of one without sub-nets, whose
            stages are but a part of it; None of a sub-net, whose last stage is.
        pooled: Whether that output is a vector an image, and no map.
        labels: Which labels the weights know of, where the export says so.
    """

    folder: Path
    name: str
    plain_network: dict[str, Any]
    out_channels: tuple[int, ...]
    pyramid: tuple[int, ...]
    weights: Path | None
    preprocessing: EvalTransform | None = None
    features: int | None = None
    pooled: bool = False
    labels: str | None = None

    @classmethod
    def read(cls, path: str | Path, trained: bool = True) -> "ExportInfo":
        """Reads an export's meta data; nothing in the folder is run.

        Args:
            path: The export's folder, or one that holds this export alone.
            trained: False takes the architecture only.

        Raises:
            UserError: No export there, several, a damaged one, or one that names
                something else than a plain network of this package.
        """
        folder = _find(Path(path))
        check_listed(folder / META)
        try:
            meta = read_json(folder / META)
            channels = _numbers(meta["out_channels"])
            info = cls(
                folder,
                str(meta["subnet"] if "subnet" in meta else meta["network"]),
                check_plain_network(meta["plain_network"]),
                channels,
                _numbers(meta.get("pyramid", list(range(len(channels))))),
                folder / _name_in(meta["weights"]) if trained else None,
                _preprocessing(meta.get("preprocessing")),
                **_output(meta.get("output")),
                labels=meta.get("labels") and str(meta["labels"]),
            )
            if max(info.pyramid, default=-1) >= len(channels):
                raise ValueError("a map of a stage that the network does not have")
        except UserError as error:
            raise error.retold(
                f"{folder / META} is not of an export: {error}"
            ) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FileDamaged(
                f"{folder / META} is damaged ({error}): export again"
            ) from error
        if info.weights is not None:
            if not info.weights.is_file():
                raise FileDamaged(
                    f"export {folder} lacks its weights, {info.weights.name}"
                )
            verify(folder, [info.weights.name])
            _check_weights(info.weights, meta)
        return info

    def network_config(self) -> Config:
        """Returns a config with the network, as feature extractors take it."""
        model: dict[str, Any] = {"backbone": self.plain_network}
        if self.preprocessing is not None:
            pixels = self.preprocessing
            model["data_preprocessor"] = {
                "view_size": pixels.image_size,
                "mean": pixels.mean,
                "std": pixels.std,
                "channel_order": pixels.channel_order,
            }
        cfg = {"default_scope": "mmtaskssl", "model": model}
        if self.features is not None and self.labels is not None:
            cfg["labels"] = self.labels
        return Config(cfg)

    def init_cfg(self) -> dict[str, Any] | None:
        """Returns what loads the weights, for ``init_cfg``; None if untrained."""
        if self.weights is None:
            return None
        if self.plain_network["type"].startswith("mmcls."):
            # Which of mmcls' networks would draw parts anew after any other type.
            if self.weights.suffix == ".safetensors":
                raise PackageMissing(
                    f"mmcls reads no safetensors: export {self.name} as pth"
                )
            return {"type": "Pretrained", "checkpoint": str(self.weights)}
        return {"type": "mmtaskssl.ExportInit", "checkpoint": str(self.weights)}


def _check_weights(weights: Path, meta: dict[str, Any]) -> None:
    """Compares weights with what meta.json says: some exports have no record."""
    stated = meta.get("weights_sha256")
    if stated is not None and known_sha256(weights) != stated:
        raise FileDamaged(
            f"{weights} is not what {META} says was exported (its checksum differs): "
            "export again, or copy the right file there"
        )


def _numbers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or any(type(v) is not int for v in values):
        raise ValueError(f"{values!r} is no list of numbers")
    return tuple(values)


def _output(values: Any) -> dict[str, Any]:
    if values is None:
        return {}
    channels, pooled = values["channels"], values["pooled"]
    if type(channels) is not int or type(pooled) is not bool:
        raise ValueError(f"{values!r} is no output of a network")
    return {"features": channels, "pooled": pooled}


def _preprocessing(values: Any) -> EvalTransform | None:
    if values is None:
        return None
    size, order = values["image_size"], values["channel_order"]
    if type(size) is not int:
        raise ValueError(f"{size!r} is no size of images")
    mean, std = (tuple(map(float, values[key])) for key in ("mean", "std"))
    return EvalTransform(size, mean, std, channel_order=order)


def _name_in(name: Any) -> str:
    """Returns the name of a file beside ``meta.json``, and of no other file."""
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"{name!r} is no name of a file in the folder")
    return name


def _find(path: Path) -> Path:
    path = path.expanduser().resolve()
    if (path / META).is_file():
        return path
    if not path.is_dir():
        raise NotAResult(
            f"{path} is no folder of an export: write one with mmtaskssl export"
        )
    inside = sorted(p.parent for p in path.glob(f"*/{META}"))
    if len(inside) == 1:
        return inside[0]
    if inside:
        names = ", ".join(p.name for p in inside[:5])
        raise OptionMissing(f"{path} holds {len(inside)} exports, name one: {names}")
    raise NotAResult(
        f"{path} holds no export (no {META}): write one with mmtaskssl export"
    )
