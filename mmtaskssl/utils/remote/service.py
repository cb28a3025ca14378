"""The services that fsspec knows, and what to do where they fail.

Every call is tried again some times. What then still fails stops the work with one
sentence: an image that could not be fetched is not a broken one.
"""

import functools
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..families import BadImageSource, PackageMissing, Unreachable
from ..redaction import redacted
from .addresses import opening

T = TypeVar("T")

# Seconds before each new try.
_WAITS = (0.2, 1.0, 4.0)
# HTTP's that stay so.
_REFUSED, _ABSENT = (401, 403), (404, 410)
# What names a fault of a program, ours or another's, and no failure of a network.
_FAULTS = (TypeError, AttributeError, NameError, AssertionError)


def tried(address: str, call: Callable[[Any, str], T], what: str | None = None) -> T:
    """Calls with a file system and the name in it, again where it fails.

    Args:
        address: See above.
        call: What is done.
        what: Of the address, for the message, where that fails; None: it could not be
            fetched.
    """
    full = opening(address)
    for wait in (*_WAITS, None):
        try:
            return call(*system_of(full))
        except (*_FAULTS, PackageMissing, BadImageSource):
            raise
        except Exception as error:  # each service's package raises its own
            if _is_absent(error):
                raise FileNotFoundError(2, "it is not there", address) from error
            refused = status_of(error) in _REFUSED or isinstance(error, PermissionError)
            if refused or wait is None:
                raise Unreachable(
                    f"{address} {what or 'could not be fetched'} "
                    f"({_reason(error)}): check "
                    "the network and the credentials, and run the same again"
                ) from error
            time.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _is_absent(error: Exception) -> bool:
    """Whether there is no such file; fsspec's HTTP says so of every failure."""
    absent = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
    if not isinstance(error, absent):
        return False
    if (status := status_of(error)) is not None:
        return status in _ABSENT
    cause = error.__cause__
    failed = isinstance(cause, OSError | TimeoutError) and not isinstance(cause, absent)
    return not failed and type(cause).__module__.partition(".")[0] != "aiohttp"


def status_of(error: BaseException) -> int | None:
    """Returns HTTP's status of an error, or of its cause."""
    for one in (error, error.__cause__):
        answer = getattr(one, "response", None)  # botocore's
        about = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
        for found in (
            getattr(one, "status", None),
            getattr(one, "code", None),
            about.get("HTTPStatusCode"),
        ):
            if isinstance(found, int) and found:
                return found
    return None


def check_service(address: str) -> None:
    """Refuses an address that nothing here can read.

    Raises:
        UserError: fsspec, or its package for the service, is not installed, or there is
            no such service.
    """
    system_of(opening(address))


def _reason(error: BaseException) -> str:
    error = error.__cause__ if status_of(error) and error.__cause__ else error
    text = " ".join(str(error).split())
    return redacted(text)[:300] or type(error).__name__


def system_of(full: str) -> tuple[Any, str]:
    """Returns the file system of an address, and its name there."""
    scheme, _, rest = full.partition("://")
    host = f"{scheme}://{rest.partition('/')[0]}"
    system = _made(os.getpid(), host)  # which a forked process cannot use
    return system, system._strip_protocol(full)


@functools.lru_cache(maxsize=256)
def _made(process: int, host: str) -> Any:
    address = redacted(host)
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise PackageMissing(
            f"{address} needs fsspec: pip install 'mmtaskssl[remote]'"
        ) from error
    try:
        return url_to_fs(host, skip_instance_cache=True)[0]
    except ImportError as error:  # it says which package is to be installed
        raise PackageMissing(
            f"{address} needs a package that is not installed: {_reason(error)}"
        ) from error
    except ValueError as error:
        raise BadImageSource(
            f"{address} is of no service that fsspec knows ({_reason(error)})"
        ) from error
