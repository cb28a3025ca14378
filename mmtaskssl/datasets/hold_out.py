import hashlib
from collections.abc import Sequence

from torch.utils.data import Dataset

from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import ConfigUnsuited, TooFewImages


@DATASETS.register_module()
class HoldOutImages(Dataset):
    """The images of another data set without some, or these alone.

    Which ones are held out depends on the seed and the images' ids alone, neither on
    their order nor on the other part: what trains on the one part and what measures on
    the other agree about it without a file. Everything else is the inner data set's.

    Args:
        dataset: Config of (or) a data set with ``image_ids`` and ``get_subset_``.
        count: Images to hold out; more, if a list names one of them several times.
        held: Whether to keep those that are held out, instead of the others.
        seed: Of the choice.

    Attributes:
        dataset (Dataset): The inner data set, reduced to the part.

    Raises:
        UserError: Nothing would be left, or the data set has no ids.
    """

    def __init__(
        self, dataset: dict | Dataset, count: int, held: bool = False, seed: int = 0
    ) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        if not hasattr(self.dataset, "get_subset_"):
            raise ConfigUnsuited(
                f"{type(self.dataset).__name__} has no ids of images by which some "
                "could be held out"
            )
        ids = self.dataset.image_ids
        chosen = held_out_ids(ids, count, seed)
        rows = [row for row, name in enumerate(ids) if (name in chosen) == held]
        self.dataset.get_subset_(rows)

    def __getattr__(self, name: str):
        # root, image_ids, labels, class_names, metainfo, broken_images, full_init ...
        if name.startswith("__") or name == "dataset":
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int | tuple[int, int]) -> dict:
        return self.dataset[index]


def held_out_ids(ids: Sequence[str], count: int, seed: int = 0) -> set[str]:
    """Returns the ids of the images to hold out, the same in any order of them.

    Args:
        ids: Of all images.
        count: How many to choose, at least 2.
        seed: Of the choice.

    Raises:
        UserError: Fewer than two are asked for, or not fewer than there are.
    """
    names = set(ids)
    if not 2 <= count < len(names):
        raise TooFewImages(
            f"{option('held_out')} must be from 2 on and less than the {len(names)} "
            f"images to train on, not {count}"
        )

    def place(name: str) -> bytes:
        text = f"{seed} {name}".encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).digest()

    return set(sorted(names, key=place)[:count])
