from pathlib import Path

from torch.utils.data import Dataset

from mmtaskssl.registry import DATASETS
from mmtaskssl.runs import check_listed
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.inputs import open_text


@DATASETS.register_module()
class SelectedImages(Dataset):
    """The images of another data set that a selection file names, in its order.

    Everything else (reading, replacement of broken images, cache) is the inner data
    set's, confined to the selection: an image outside it never takes part.

    Args:
        dataset: Config of (or) a data set with ``image_ids`` and ``get_subset_``.
        selection: Text file with one image id a line.

    Attributes:
        dataset (Dataset): The inner data set, reduced to the selection.

    Raises:
        UserError: The file is missing or empty, or names images the data set lacks.
    """

    def __init__(self, dataset: dict | Dataset, selection: str) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        wanted = read_selection(selection)
        index_of = {name: i for i, name in enumerate(self.dataset.image_ids)}
        missing = [name for name in wanted if name not in index_of]
        if missing:
            raise UserError(
                f"{len(missing)} of {len(wanted)} images of selection {selection} are"
                f" not in the data set, the first: {', '.join(missing[:3])}; select"
                " from the same source and root"
            )
        self.dataset.get_subset_([index_of[name] for name in wanted])

    def __getattr__(self, name: str):
        # root, image_ids, labels, class_names, metainfo, broken_images, full_init ...
        if name.startswith("__") or name == "dataset":
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict:
        return self.dataset[index]


def read_selection(selection: str) -> list[str]:
    """Returns the image ids that a selection file names, in its order.

    Args:
        selection: Text file with one image id a line.

    Raises:
        UserError: There is no such file, nothing in it, or it is one that `select`
            wrote and that was changed.
    """
    file = Path(selection).expanduser()
    if not file.is_file():
        raise UserError(f"selection file {selection} does not exist")
    check_listed(file)
    # As it is written: line ends alone split it, and names may be any bytes.
    with open_text(file, "utf-8-sig", errors="surrogateescape") as lines:
        text = lines.read()
    wanted = [line.strip() for line in text.split("\n") if line.strip()]
    if not wanted:
        raise UserError(f"selection file {selection} names no images")
    return wanted
