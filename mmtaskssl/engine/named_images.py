"""The images that a training is told to read are there."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmtaskssl.config.variables import layer_of
from mmtaskssl.datasets.folders import is_file, is_folder
from mmtaskssl.datasets.shards import named_shards
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import FileMissing
from mmtaskssl.utils.remote.addresses import bare, is_remote


def check_named_images(cfg: Config) -> None:
    """Refuses images that do not exist, where mmengine would build half a training.

    Args:
        cfg: A complete config, of any package.

    Raises:
        UserError: Says how to name them.
    """
    source = (layer_of(cfg, "source") or {}).get("source")
    if _is_absent(source):
        raise FileMissing(
            f"the training images {source} do not exist: name yours with "
            f"{_named('images', '/my/pool')}, a folder or a list"
        )
    knn = (cfg.get("default_hooks") or {}).get("knn") or {}
    for part in ("train", "test"):
        source = (knn.get(part) or {}).get("source")
        if _is_absent(source):
            raise FileMissing(
                f"{source} does not exist, which kNN is measured on: "
                f"{_named('target', '/my/folder')} names a folder that holds "
                "train/CLASS/IMAGE and test/CLASS/IMAGE"
            )


def _is_absent(source: Any) -> bool:
    if not isinstance(source, str):
        return False
    if is_remote(plain := bare(source)):
        return not is_folder(plain) and not is_file(plain) and _names_no(source)
    if Path(plain).expanduser().exists():
        return False
    return _names_no(source)


def _names_no(source: str) -> bool:
    return named_shards(source) is None  # which refuses shards that are not there


def _named(variable: str, value: str) -> str:
    """Says how a variable is given, in a tool or in Python."""
    flag = option("cfg_options")
    if flag.startswith("--"):
        return f"{flag} {variable}={value}"
    return f"{variable}={value!r}"
