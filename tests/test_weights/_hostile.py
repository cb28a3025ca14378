"""Files whose code leaves a mark when it runs."""

import os
from pathlib import Path


class Payload:
    """Pickles as a call that makes the folder ``mark``."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)
