"""What the control runs of a pre-training are made from, checked."""

import os
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from ...datasets.images import HasImages
from ...networks.library import is_library_name
from ...networks.start import RANDOM, weights_file
from ...utils import checks
from ...utils.errors import option
from ...utils.families import FileMissing, UnknownName
from ..pretrained import Pretrained


def check(
    run: Any,
    kinds: Any,
    seeds: Any,
    public: Any,
    selection: Any,
    images: Any,
    weights: Any,
) -> None:
    """Refuses what `controls` cannot read, before it reads anything.

    Args:
        run: See `controls`, as for all others.
        kinds: See above.
        seeds: See above.
        public: See above.
        selection: See above.
        images: See above.
        weights: See above.

    Raises:
        UserError: Names the option.
    """
    if not isinstance(run, Config | Pretrained):
        checks.path_like("run", run)
    if kinds is not None:
        checks.listed("kinds", kinds, "kinds of controls")
        if not kinds:
            raise UnknownName(f"{option('kinds')} names no control")
    if isinstance(seeds, str) or not isinstance(seeds, Sequence):
        checks.whole("seeds", seeds)
    else:
        for seed in seeds:
            checks.seed(seed, "seeds")
    if not isinstance(selection, HasImages):
        checks.path_like("selection", selection, none=True)
    checks.path_like("images", images, none=True)
    for name, file in (("public", public), ("weights", weights)):
        checks.path_like(name, file, none=True)
        text = RANDOM if file is None else os.fspath(file)
        # A library's own may lie in the cache of another machine, which trains them.
        if text == RANDOM or (is_library_name(text) and "=" not in text):
            continue
        path = weights_file(text)
        if not path.is_file():
            raise FileMissing(f"{option(name)} {path} does not exist")
