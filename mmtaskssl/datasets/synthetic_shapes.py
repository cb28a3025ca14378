import numpy as np
from mmengine.dataset import BaseDataset

from mmtaskssl.registry import DATASETS


@DATASETS.register_module()
class SyntheticShapes(BaseDataset):
    """Images made in memory, a coloured rectangle each, annotated for mmdet and mmseg.

    For tests and debug configs; nothing is read from disk. Image ``i`` depends on
    ``seed`` and ``i`` alone and shows class ``i % 2``. Pixel labels are 0 for the
    background and the class plus 1.

    Args:
        num_images: Number of images.
        size: Side in pixels.
        seed: Of the generator.
        **options: See mmengine's `BaseDataset`: ``pipeline``, ``test_mode``.
    """

    METAINFO = {
        "classes": ("red", "green"),
        "palette": [[255, 0, 0], [0, 255, 0]],
    }

    def __init__(self, num_images: int = 16, size: int = 64, seed: int = 0, **options):
        self.num_images, self.size, self.seed = num_images, size, seed
        super().__init__(**options)

    def load_data_list(self) -> list[dict]:
        """Draws all images, as the hosts' loading transforms would leave them."""
        return [self._draw(index) for index in range(self.num_images)]

    def _draw(self, index: int) -> dict:
        rng = np.random.default_rng([self.seed, index])
        size, label = self.size, index % 2
        x, y = rng.integers(2, size // 4, 2).tolist()
        width, height = rng.integers(size // 3, 2 * size // 3, 2).tolist()
        pixels = rng.integers(90, 120, (size, size, 3)).astype(np.uint8)
        pixels[y : y + height, x : x + width] = 0
        pixels[y : y + height, x : x + width, 2 - label] = 255  # BGR, as cv2 reads
        segments = np.zeros((size, size), dtype=np.uint8)
        segments[y : y + height, x : x + width] = label + 1
        box = {
            "bbox": [x, y, x + width, y + height],
            "bbox_label": label,
            "ignore_flag": 0,
        }
        return {
            "img_id": index,
            "img_path": f"synthetic/{index:06d}",
            "img": pixels,
            "img_shape": (size, size),
            "ori_shape": (size, size),
            "height": size,
            "width": size,
            "instances": [box],
            "gt_seg_map": segments,
            "seg_map_path": None,
            "reduce_zero_label": False,
            "seg_fields": ["gt_seg_map"],
        }
