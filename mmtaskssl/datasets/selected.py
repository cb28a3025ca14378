import logging
from collections.abc import Container, Sequence
from pathlib import Path

from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmtaskssl.registry import DATASETS
from mmtaskssl.runs import RECORD, check_listed
from mmtaskssl.utils.errors import UserError, option
from mmtaskssl.utils.families import FileDamaged, FileMissing, ImagesMismatch, NoImages
from mmtaskssl.utils.inputs import open_text, read_json

from .regions import as_parts


def check_known(wanted: Sequence[str], known: Container[str], selection: str) -> None:
    """Refuses a selection of images that are not there.

    Args:
        wanted: Ids of its images.
        known: Those of the data set.
        selection: Its name, for the message.

    Raises:
        UserError: The data set lacks one.
    """
    missing = [name for name in wanted if name not in known]
    if missing:
        instead = as_parts(missing) or "select from the same source and root"
        raise ImagesMismatch(
            f"{len(missing)} of {len(wanted)} images of selection {selection} are"
            f" not in the data set, the first: {', '.join(missing[:3])}; {instead}"
        )


@DATASETS.register_module()
class SelectedImages(Dataset):
    """The images of another data set that a selection file names, in its order.

    Everything else (reading, replacement of broken images, cache) is the inner data
    set's, confined to the selection: an image outside it never takes part.

    Args:
        dataset: Config of (or) a data set with ``image_ids`` and ``get_subset_``.
        selection: Text file with one image id a line.
        edited: Take one that `select` wrote as it is now, though it was changed.

    Attributes:
        dataset (Dataset): The inner data set, reduced to the selection.

    Raises:
        UserError: The file is missing or empty, or names images the data set lacks.
    """

    def __init__(
        self, dataset: dict | Dataset, selection: str, edited: bool = False
    ) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        wanted = read_selection(selection, edited)
        index_of = {name: i for i, name in enumerate(self.dataset.image_ids)}
        check_known(wanted, index_of, selection)
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


def read_selection(selection: str, edited: bool = False) -> list[str]:
    """Returns the image ids that a selection file names, in its order.

    Args:
        selection: Text file with one image id a line.
        edited: Take a file that `select` wrote as it is now, though it was changed.

    Raises:
        UserError: There is no such file, nothing in it, or it is one that `select`
            wrote and that was changed.
    """
    file = Path(selection).expanduser()
    if not file.is_file():
        raise FileMissing(f"selection file {selection} does not exist")
    # As it is written: line ends alone split it, and names may be any bytes.
    with open_text(file, "utf-8-sig", errors="surrogateescape") as lines:
        text = lines.read()
    wanted = [line.strip() for line in text.split("\n") if line.strip()]
    if not wanted:
        raise NoImages(f"selection file {selection} names no images")
    instead = (
        f"select again, or say {option('edited_selection')} to use the images that it "
        "names now"
    )
    try:
        check_listed(file, instead)
        _check_count(file, len(wanted), instead)
    except UserError as error:
        if not edited:
            raise
        what = str(error).removesuffix(instead)
        print_log(
            f"{what}its {len(wanted):,} images are used as they are, as "
            f"{option('edited_selection')} says",
            "current",
            logging.WARNING,
        )
    return wanted


def _check_count(file: Path, count: int, instead: str) -> None:
    """Compares how many images are named with what an older `select` wrote beside."""
    beside = file.parent / "summary.json"
    if file.name != "selection.txt" or (file.parent / RECORD).exists():
        return
    try:
        summary = read_json(beside)
        stated = summary["selected"] if {"policy", "pool"} <= {*summary} else count
    except (OSError, ValueError, KeyError, TypeError):  # none, or somebody else's
        return
    if stated != count:
        raise FileDamaged(
            f"{file} is not what was written ({count} images instead of {stated}): "
            f"{instead}"
        )
