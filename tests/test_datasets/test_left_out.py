"""What a folder without images is said to be."""

import pytest

from mmtaskssl.datasets import list_images
from mmtaskssl.runs import Record
from mmtaskssl.utils.errors import UserError


def test_a_folder_of_ours_without_images_says_where_they_are(tmp_path):
    for kind in ("selection", "feature store"):
        (tmp_path / kind).mkdir()
        Record(kind, 1, {}, True, {}, "1").write(tmp_path / kind)
    with pytest.raises(UserError, match=r"it is a selection, .*selection\.txt names"):
        list_images(tmp_path / "selection")
    with pytest.raises(UserError, match=r"package \(feature store\); name"):
        list_images(tmp_path / "feature store")
    (tmp_path / "selection" / "record.json").write_text("{")
    with pytest.raises(UserError, match="holds no images; check the path"):
        list_images(tmp_path / "selection")
