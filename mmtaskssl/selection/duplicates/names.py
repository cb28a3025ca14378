"""How copies are told and which of them stays, for parsers."""

from typing import Literal, get_args

#: What copies have in common: each finds what those before it find, too.
By = Literal["bytes", "pixels", "features"]
BY = get_args(By)
#: Which of a group stays.
Keep = Literal["largest", "first"]
KEEP = get_args(Keep)
