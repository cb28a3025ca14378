"""What a user can spend, written with its unit: one grammar wherever there is a budget.

::

    5000   5_000   10%            images: a number, or a share of the pool
    auto                          images: as many as are worth while (of `select`)
    3G-4G  3-4G  1.5e9-2e9:macs   a band of multiply-accumulates
    5M-6M:params                  a band of parameters
    2ms-4ms  500us-2ms:latency    a band of the time for one image
    2GiB  500MB  2_000_000        memory: bytes

K, M, G and T are thousands to millions of millions; the low end of a band is inside,
the high end is not.
"""

import re
from dataclasses import dataclass

from .errors import option
from .families import BadBudget

KINDS = {
    "macs": ("GMACs", 1e9),
    "params": ("M parameters", 1e6),
    "latency": ("ms", 1e-3),
}
"""Kinds of bands, with the unit and its size that people read them in."""

_SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_NUMBER = r"(\d+(?:\.\d+)?(?:e\d+)?)(us|ms|s|[KMGT])?"
_BYTES = re.compile(
    r"(\d{1,18}(?:\.\d{1,9})?)\s*(?:([kKMGT])(i?)B|([KMGT])|B)?", re.ASCII
)
_BAND = re.compile(rf"{_NUMBER}-{_NUMBER}(?::(\w+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Budget:
    """The networks whose cost lies in [low, high).

    Attributes:
        low: MACs, parameters or seconds.
        high: Likewise; not in the band.
        kind: "macs", "params" or "latency".
    """

    low: float
    high: float
    kind: str = "macs"

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Reads ``LO-HI[:macs|params|latency]``.

        Args:
            text: For example ``3G-4G``, ``5M-6M:params`` or ``2ms-4ms``. Without a
                kind, times mean latency and everything else MACs.

        Raises:
            UserError: It cannot be read, or the band is empty.
        """
        match = _BAND.fullmatch(text.strip())
        if match is None:
            images = "; it counts images" if _counts_images(text) else ""
            raise BadBudget(
                f"budget {text!r} cannot be read as the cost of a network{images}: "
                "write LO-HI such as 3G-4G (MACs), 5M-6M:params or 2ms-4ms (latency)"
            )
        low, low_unit, high, high_unit, kind = match.groups()
        # 3-4G is 3G to 4G.
        low_unit, high_unit = low_unit or high_unit or "", high_unit or ""
        timed = [unit in _TIMES for unit in (low_unit, high_unit)]
        kind = kind or ("latency" if any(timed) else "macs")
        if kind not in KINDS:
            raise BadBudget(
                f"budget {text!r} must be in {', '.join(KINDS)}, not {kind!r}"
            )
        if timed != [kind == "latency"] * 2:
            raise BadBudget(
                f"budget {text!r} of {kind} needs numbers with "
                + ("a time: us, ms or s" if kind == "latency" else "K, M, G or T")
            )
        units = _SCALES | _TIMES
        budget = cls(float(low) * units[low_unit], float(high) * units[high_unit], kind)
        if budget.low >= budget.high:
            raise BadBudget(f"budget {text!r} is empty: its low end must be the lower")
        return budget

    def __contains__(self, value: float) -> bool:
        return self.low <= value < self.high

    def __str__(self) -> str:
        unit, size = KINDS[self.kind]
        return f"{self.low / size:g}-{self.high / size:g} {unit}"


#: In the place of a number of images: as many as are worth while.
AUTO = "auto"


def count_images(budget: int | str, pool_size: int) -> int:
    """Reads a number of images (5000) or a share of the pool ("10%").

    Args:
        budget: As given by the user.
        pool_size: Images in the pool.

    Returns:
        Images wanted, at least 1; a number of them may exceed ``pool_size``.

    Raises:
        UserError: Neither of them, not above zero, or above 100%.
    """
    text = str(budget)
    number, share = _images(text)
    if number is None:
        cost = "; it is the cost of a network" if _BAND.fullmatch(text.strip()) else ""
        raise BadBudget(
            f"budget {text!r} is neither a number of images (5000) nor a share of "
            f"the pool (10%){cost}"
        )
    if not 0 < number < float("inf"):
        raise BadBudget(f"budget {text} selects nothing: ask for at least one image")
    if share and number > 100:
        raise BadBudget(f"budget {text} is more than the whole pool, 100%")
    return max(1, round(pool_size * number / 100)) if share else int(number)


def count_bytes(name: str, value: int | str) -> int:
    """Reads bytes: a number, or one with a unit such as 2GiB, 500MB or 1.5G.

    Args:
        name: Of the argument, for the message.
        value: As given by the user.

    Returns:
        Bytes; at least one.

    Raises:
        UserError: It is no such number.
    """
    given = isinstance(value, int | str) and not isinstance(value, bool)
    match = _BYTES.fullmatch(str(value).strip().replace("_", "")) if given else None
    found = 0
    if match is not None:
        number, unit, binary, short = match.groups()
        base = 1024 if binary else 1000
        power = " KMGT".index((unit or short or " ").upper())
        found = int(float(number) * base**power)
    if found < 1:
        raise BadBudget(
            f"{option(name)} must be bytes such as 2GiB, 500MB or 2000000, "
            f"not {value!r}"
        )
    return found


def check_bytes(name: str, value: int | str) -> None:
    """Refuses what is no number of bytes, see `count_bytes`."""
    count_bytes(name, value)


def _images(text: str) -> tuple[float | None, bool]:
    """Returns images or per cents, and which of the two; None: it is neither."""
    number = text.strip().replace("_", "")
    share = number.endswith("%")
    try:
        return (float(number[:-1]) if share else int(number)), share
    except ValueError:
        return None, share


def _counts_images(text: str) -> bool:
    return _images(text)[0] is not None
