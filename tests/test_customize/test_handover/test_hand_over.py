"""What lies where the backbone goes."""

import pytest

from mmtaskssl.apis import export
from mmtaskssl.customize.handover.hand_over import is_there
from mmtaskssl.utils.errors import UserError

_NETWORK = "timm:test_efficientnet", "random"


def test_an_earlier_answer_gives_way_and_a_changed_one_is_refused(tmp_path):
    (mine,) = export(_NETWORK, image_size=40)
    (other,) = export(_NETWORK, image_size=48)
    folder = tmp_path / "backbone"
    assert not is_there(mine, folder)
    mine.save(folder)
    assert is_there(mine, folder) and not is_there(other, folder)
    with open(folder / "weights.pth", "ab") as file:
        file.write(b"mine")
    with pytest.raises(UserError, match=r"weights\.pth"):
        is_there(mine, folder)
