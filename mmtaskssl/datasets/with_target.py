from pathlib import Path

from torch.utils.data import Dataset

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.families import BadValue

from .unlabeled import UnlabeledImages


@DATASETS.register_module()
class WithTarget(Dataset):
    """Another data set's images and, oversampled, a target's own; labels are unread.

    The images of ``target/train`` follow the others, as often as their share asks for.
    Those of ``target/test`` are not touched. To be put around a selection, not into
    one.

    Args:
        dataset: Config of (or) a data set with ``image_ids``; its ``store_size`` and
            ``cache`` hold for the target's images, too.
        target: Folder with ``train/CLASS/IMAGE``; or a list of its training images.
        share: Of the target's images in an epoch, in 0..1 and neither.

    Attributes:
        dataset (Dataset): The other images.
        target (UnlabeledImages): The target's.
        repeats (int): How often an epoch has each of the target's, at least once.
        distinct_images (int): Without the repeats.

    Raises:
        UserError: No such folder, or a share out of range.
    """

    def __init__(
        self, dataset: dict | Dataset, target: str, share: float = 0.2
    ) -> None:
        if not 0 < share < 1:
            raise BadValue(f"target_share must be between 0 and 1, not {share}")
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        options = {
            name: getattr(self.dataset, name)
            for name in ("store_size", "cache")
            if hasattr(self.dataset, name)
        }
        place = Path(target)
        source = place if place.is_file() else place / "train"
        self.target = UnlabeledImages(str(source), **options)
        wanted = share / (1 - share) * len(self.dataset)
        self.repeats = max(1, round(wanted / len(self.target)))
        self.distinct_images = len(self.dataset) + len(self.target)

    @property
    def image_ids(self) -> list[str]:
        """One path per sample; the target's begin with their folder."""
        names = [f"{self.target.root}/{name}" for name in self.target.image_ids]
        return [*self.dataset.image_ids, *names * self.repeats]

    def full_init(self) -> None:
        """Fills both caches, if there are any."""
        self.dataset.full_init()
        self.target.full_init()

    def __getattr__(self, name: str):
        # metainfo, store_size, ...; what depends on the samples is above
        if name.startswith("__") or name in ("dataset", "get_subset_", "labels"):
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset) + self.repeats * len(self.target)

    def __getitem__(self, index: int) -> dict:
        index = range(len(self))[index]
        place = index - len(self.dataset)
        if place < 0:
            sample = self.dataset[index]
            # All samples of a batch have the same keys.
            return {"inputs": sample["inputs"], "sample_idx": index}
        sample = self.target[place % len(self.target)]
        return {**sample, "sample_idx": index}
