from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.registry import DefaultScope

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.families import BadConfigValue

from .unlabeled import UnlabeledImages

_READER = "LoadImageFromFile"


@DATASETS.register_module()
class PipelineImages(UnlabeledImages):
    """The images of a folder or list, for an algorithm that brings a pipeline along.

    mmselfsup's algorithms make their views, masks, patches and rotations in a pipeline
    of transforms, here each sample passes it. Reading is ours: any source of images,
    EXIF, broken ones, the limit of pixels. The pipeline draws from the global random
    numbers of its worker, as in mmselfsup.

    Args:
        source: See `UnlabeledImages`.
        pipeline: Configs of transforms; a first ``LoadImageFromFile`` is left out.
        scope: Where transforms without a prefix are registered.
        **kwargs: `UnlabeledImages`'.

    Raises:
        UserError: See `UnlabeledImages`; or a transform that is not registered.
    """

    def __init__(
        self,
        source: str,
        pipeline: Sequence[Mapping[str, Any]],
        scope: str = "mmselfsup",
        **kwargs,
    ) -> None:
        super().__init__(source, **kwargs)
        from mmcv.transforms import Compose

        steps = [dict(step) for step in pipeline]
        if steps and str(steps[0].get("type")).rpartition(".")[2] == _READER:
            steps = steps[1:]
        with DefaultScope.overwrite_default_scope(scope):
            try:
                self.pipeline = Compose(steps)
            except KeyError as error:
                raise BadConfigValue(
                    f"the pipeline cannot be built: {error}"
                ) from error

    def __getitem__(self, index: int) -> dict:
        """Returns what the pipeline makes of an image."""
        index = range(len(self))[index]
        pixels = self._read_good(index)
        results = {
            "img": np.ascontiguousarray(pixels[..., ::-1]),  # BGR, as OpenCV reads
            "img_path": f"{self.root}/{self.image_ids[index]}",
            "img_shape": pixels.shape[:2],
            "ori_shape": pixels.shape[:2],
            "sample_idx": index,
        }
        return self.pipeline(results)
