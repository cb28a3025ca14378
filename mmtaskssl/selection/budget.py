"""What the user writes after ``--budget``."""

from ..utils.errors import UserError


def parse_budget(text: str, pool_size: int) -> int:
    """Reads a number of images ("5000") or a share of the pool ("10%").

    Args:
        text: As given by the user.
        pool_size: Images in the pool.

    Returns:
        Images wanted, at least 1; may exceed ``pool_size``.

    Raises:
        UserError: Not a number, or not above zero.
    """
    number = text.strip().replace("_", "")
    share = number.endswith("%")
    try:
        value = float(number[:-1]) if share else int(number)
    except ValueError:
        raise UserError(
            f"budget {text!r} is neither a number of images (5000) nor a share of "
            "the pool (10%)"
        ) from None
    if not 0 < value < float("inf"):
        raise UserError(f"budget {text} selects nothing: ask for at least one image")
    return max(1, round(pool_size * value / 100)) if share else int(value)
