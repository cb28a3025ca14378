"""What a config can cause in mmengine, said in one sentence each."""

import contextlib
import errno
import inspect
import re
import traceback
from collections.abc import Collection, Iterator

from torch.utils.data import DataLoader

from mmtaskssl.utils.errors import meant, option, refusal
from mmtaskssl.utils.families import BadConfigValue, ConfigUnknown, DiskFull, NoImages

from .unknown_keys import arguments_of

# Of mmengine: they build what a config names.
_BUILDERS = ("build_from_cfg", "build_dataloader")


@contextlib.contextmanager
def user_errors() -> Iterator[None]:
    """Turns what a config can cause in mmengine into one sentence each."""
    try:
        yield
    except KeyError as error:
        text = str(error.args[0]) if error.args else ""
        unknown = re.match(r"(\S+) is not in the (\S+?)::(.+?) registry", text)
        if unknown:
            name, scope, kind = unknown.groups()
            raise ConfigUnknown(
                f"the config names the {kind} {name!r}, which is not registered in "
                f"{scope}; check its spelling and its package's prefix"
            ) from error
        if text.startswith("`cfg` or `default_args` must contain the key"):
            raise ConfigUnknown(
                'a part of the config has no "type": ' + " ".join(text.split()[-20:])
            ) from error
        _raise_of_building(error)
        raise
    except ValueError as error:
        # What mmengine's data sets say of a list without entries.
        if str(error) == "need at least one array to concatenate":
            raise NoImages(
                "a data set of the config is empty: it finds no image, or none with an "
                "object of its classes"
            ) from error
        _raise_of_building(error)
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = f" at {error.filename}" if error.filename else ""
            raise DiskFull(
                f"the disk is full{where}; checkpoints are whole: make room, and "
                f"go on with {option('resume')}"
            ) from error
        raise
    except TypeError as error:
        wrong = re.match(
            r"(\S+?)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'",
            str(error),
        )
        if wrong and _raised_while_building(error):
            name, argument = wrong.groups()
            raise ConfigUnknown(
                f"the config gives {name} the argument {argument!r}, which it has not"
                + meant(argument, _taken(error))
            ) from error
        _raise_of_building(error)
        raise
    except (AssertionError, AttributeError, IndexError, RuntimeError) as error:
        _raise_of_building(error)
        raise


def _raise_of_building(error: Exception) -> None:
    """Raises one sentence where a part of a config could not be built.

    A part that refuses its values does so in words of its own package. Whatever is
    raised later, while the part works, is left as it is.
    """
    builders = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_name in _BUILDERS
    ]
    if not builders or refusal(error):
        return
    kind = builders[-1].f_locals.get("obj_cls")
    if builders[-1].f_code.co_name == "build_dataloader":
        kind = DataLoader
    name = getattr(kind, "__name__", None) or "a part"
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    raise BadConfigValue(
        f"the config's {name} cannot be built with its values "
        f"({type(error).__name__}: {reason})"
    ) from error


def _raised_while_building(error: BaseException) -> bool:
    """True if a builder's own call failed, or a constructor that passed it on.

    The same words from any other call are an error of ours, whose traceback is wanted.
    """
    calls = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    while calls[-1] == "__init__":
        calls.pop()
    return calls[-1] in _BUILDERS


def _taken(error: BaseException) -> Collection[str]:
    """Returns the names that the class takes which could not be built."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    builder = next(f for f in reversed(frames) if f.f_code.co_name in _BUILDERS)
    kind = builder.f_locals.get("obj_cls")
    if builder.f_code.co_name == "build_dataloader":
        kind = DataLoader
    return (arguments_of(kind) if inspect.isclass(kind) else None) or ()
