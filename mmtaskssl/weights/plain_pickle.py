"""What a pickle may hold beside tensors: arrays, numbers and mmengine's logs.

No class or function that a file names is looked up. What checkpoints of mmengine hold
is built by functions of ours, from a closed list of names; numpy's own functions, which
trust what they are given, are not called.
"""

import math
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from mmengine.logging.history_buffer import HistoryBuffer

# Kinds of plain numbers, truth values, bytes and text, see `numpy.dtype.kind`.
_KINDS = "biufcSU"


class Inert:
    """Stands for an object that is not needed to use a checkpoint."""

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class _Maker:
    """A function that a file may call, and cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a function with a state")


@_Maker
def _inert(*args: Any) -> Inert:
    return Inert()


class _Dtype:
    """A type of plain numbers, or of objects."""

    def __init__(self, code: Any, *args: Any) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">"):
            self.order = state[1]

    def real(self) -> np.dtype:
        try:
            found = np.dtype(self.code)
        except (TypeError, ValueError, SyntaxError) as error:
            raise pickle.UnpicklingError(f"the array type {self.code!r}") from error
        if found.kind not in _KINDS or found.names or found.subdtype:
            raise pickle.UnpicklingError(f"the array type {self.code!r}")
        return found.newbyteorder(self.order)

    @property
    def holds_objects(self) -> bool:
        return self.code in ("O", "O8", "|O", "object")


class _Array:
    """An array whose content follows."""

    value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        try:
            _, shape, dtype, fortran, raw = state
            shape = tuple(int(size) for size in shape)
            if dtype.holds_objects:
                value = np.empty(len(raw), dtype=object)
                value[:] = raw
            else:
                raw = raw.encode("latin1") if isinstance(raw, str) else raw
                real = dtype.real()
                if math.prod(shape) * real.itemsize != len(raw):
                    raise ValueError("another length than the shape says")
                value = np.frombuffer(raw, real) if len(raw) else np.empty(0, real)
            self.value = value.reshape(shape, order="F" if fortran else "C").copy()
        except (TypeError, ValueError, AttributeError) as error:
            raise pickle.UnpicklingError(f"a damaged array ({error})") from error


@_Maker
def _array(*args: Any) -> _Array:
    return _Array()


@_Maker
def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any = "C") -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", raw))
    return array


@_Maker
def _scalar(dtype: Any, raw: Any = b"") -> Any:
    array = _Array()
    array.__setstate__((1, (), dtype, False, raw))
    return array.value[()]


@_Maker
def _no_bytes() -> bytes:
    return b""


class _Buffer:
    """mmengine's history of a logged number."""

    state: dict[str, Any] = {}

    def __new__(cls, *args: Any) -> "_Buffer":
        return super().__new__(cls)

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.state = state

    def real(self) -> HistoryBuffer:
        log, count = (
            np.asarray(_real(self.state.get(key, ()), {}))
            for key in ("_log_history", "_count_history")
        )
        length = self.state.get("max_length", 1_000_000)
        if log.dtype == object or log.shape != count.shape or type(length) is not int:
            raise pickle.UnpicklingError("a damaged history of a logged number")
        return HistoryBuffer(log, count, length)


#: Names in a file, and what takes their place.
NAMES = {
    "mmengine.logging.history_buffer.HistoryBuffer": _Buffer,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    **{
        f"numpy.{core}.{name}": function
        for core in ("_core", "core")
        for name, function in (
            ("multiarray._reconstruct", _array),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _from_buffer),
        )
    },
    "builtins.bytes": _no_bytes,  # how old protocols write none
    # Functions by name, as logs and schedules of mmengine keep them: never called.
    "builtins.getattr": _inert,
    # Options of other libraries' trainings, beside the weights.
    "argparse.Namespace": Inert,
}


def real(value: Any) -> Any:
    """Turns what `NAMES` built into arrays and logs, in place where that is possible.

    Args:
        value: What an unpickler returned.

    Raises:
        pickle.UnpicklingError: It is damaged, or nested too deeply.
    """
    try:
        return _real(value, {})
    except RecursionError as error:
        raise pickle.UnpicklingError("values nested too deeply") from error


def _real(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _Dtype):
        return value.real()
    if isinstance(value, _Buffer):
        return value.real()
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) in seen:  # written out, values that repeat others would never end
        return seen[id(value)]
    seen[id(value)] = value
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _real(item, seen)
    elif isinstance(value, list):
        value[:] = [_real(item, seen) for item in value]
    elif type(value) is tuple:
        found = tuple(_real(item, seen) for item in value)
        if any(a is not b for a, b in zip(found, value, strict=True)):
            seen[id(value)] = found
    return seen[id(value)]


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("_codecs", "encode"):  # how old protocols write bytes
            return _encode
        try:
            return NAMES[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("a reference to something outside")


@_Maker
def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("_codecs.encode")
    return text.encode("latin1")


def load_data(file: BinaryIO, encoding: str = "ASCII") -> Any:
    """Unpickles plain values and arrays.

    Args:
        file: The pickle.
        encoding: Of texts that Python 2 wrote.

    Raises:
        pickle.UnpicklingError: It is damaged or names anything else.
    """
    try:
        return real(_DataUnpickler(file, encoding=encoding).load())
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        reason = f"a damaged pickle ({type(error).__name__}: {error})"
        raise pickle.UnpicklingError(reason) from error
