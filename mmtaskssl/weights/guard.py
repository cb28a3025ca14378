"""While it is up, mmengine and the hosts read files through our doors."""

import contextlib
import functools
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException
from typing import Any, TextIO

import torch
from mmengine.fileio import PickleHandler, YamlHandler
from mmengine.fileio.handlers.registry_utils import file_handlers
from mmengine.model.weight_init import PretrainedInit
from mmengine.runner import checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from ..utils.families import FileFormat, NoWeights, UntrustedFile
from ..utils.inputs import parse_yaml
from ..utils.redaction import redacted
from .plain_pickle import load_data
from .pretrained import allowed, load_pretrained
from .reading import read_checkpoint, read_open_checkpoint, say_trust, trusting


@contextlib.contextmanager
def guarded(trust: bool = False, allow: Sequence[str] = ()) -> Iterator[None]:
    """Keeps code in checkpoints, pickles and YAML from running.

    mmengine 0.11 loads every checkpoint (``load_from``, resuming, ``Pretrained``, what
    it downloads) with ``torch.load(weights_only=False)``, annotations that end in
    ``.pkl`` with pickle, and YAML with a loader that makes any object; a few modules of
    the hosts call `torch.load` themselves. Within, `torch.load` is `read_checkpoint`,
    and mmengine's handlers read plain data. Worker processes that are forked inherit
    it. What is downloaded is named without its signature.
    ``init_cfg=dict(type="Pretrained")`` loads all of a network, or nothing.

    Args:
        trust: Run code in checkpoints and pickles; never in YAML.
        allow: Patterns of keys that ``Pretrained`` may leave, see `differing`.
    """
    before = torch.load, dict(file_handlers)
    local, loads = CheckpointLoader._schemes[""], PretrainedInit.__call__
    fetch = checkpoint.load_url
    checkpoint.load_url = functools.partial(_fetch, fetch)
    PretrainedInit.__call__ = load_pretrained
    token = allowed.set(tuple(allow))
    torch.load, CheckpointLoader._schemes[""] = _load, load_from_local
    yaml = _PlainYaml()
    file_handlers.update(yaml=yaml, yml=yaml)
    if not trust:
        pickles = _PlainPickle()
        file_handlers.update(pickle=pickles, pkl=pickles)
    try:
        with trusting(trust):
            yield
    finally:
        PretrainedInit.__call__ = loads
        allowed.reset(token)
        torch.load, CheckpointLoader._schemes[""] = before[0], local
        checkpoint.load_url = fetch
        file_handlers.update(before[1])


def load_from_local(filename: str, map_location: Any) -> Any:
    """Reads a file for mmengine, which logs this function's name.

    Args:
        filename: The file.
        map_location: Device of the tensors.
    """
    path = os.path.expanduser(filename)
    return read_checkpoint(path, map_location=map_location)


def _fetch(fetch: Callable[..., Any], url: str, *args: Any, **options: Any) -> Any:
    """Downloads for mmengine; torch says from where, on stdout or stderr."""
    out, err = _Redacting(sys.stdout), _Redacting(sys.stderr)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return fetch(url, *args, **options)
    except OSError as error:
        raise NoWeights(
            f"{url} cannot be downloaded ({getattr(error, 'reason', '') or error}): "
            "check the address, and whether its signature still holds"
        ) from error
    except (ValueError, HTTPException):  # whose words may be a part of a password
        raise NoWeights(
            f"{url} cannot be downloaded: it is no address that Python's urllib takes, "
            "such as one with a user and a password in it"
        ) from None


class _Redacting(io.TextIOBase):
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(redacted(text))
        return len(text)

    def flush(self) -> None:
        self.stream.flush()


def _load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    **options: Any,
) -> Any:
    """`torch.load` for others: what they ask for is read by our rules."""
    if weights_only and not options:
        return torch.serialization.load(f, map_location, weights_only=True)
    if isinstance(f, str | os.PathLike):
        return read_checkpoint(f, map_location=map_location)
    return read_open_checkpoint(f, "in memory", map_location=map_location)


class _PlainPickle(PickleHandler):
    def load_from_fileobj(self, file: Any, **options: Any) -> Any:
        name = getattr(file, "name", "a pickle that this run reads")
        try:
            return load_data(file, options.get("encoding", "ASCII"))
        except Exception as error:
            raise UntrustedFile(
                f"{name} is damaged or holds more than data ({error}): if you trust "
                f"its source, {say_trust()}"
            ) from error


class _PlainYaml(YamlHandler):
    def load_from_fileobj(self, file: Any, **options: Any) -> Any:
        name = getattr(file, "name", "a YAML file")
        try:
            return parse_yaml(file.read())
        except ValueError as error:
            raise FileFormat(f"{name} cannot be read as data: {error}") from error
