import pickle

import pytest
from torch._utils import ExceptionWrapper

from mmtaskssl.datasets.unlabeled import TooManyBrokenImages
from mmtaskssl.runs import Busy
from mmtaskssl.utils.families import FAMILIES, FileDamaged, UserError

ALL = [*FAMILIES.values(), Busy, TooManyBrokenImages]


@pytest.mark.parametrize("kind", ALL)
def test_an_error_keeps_its_family_and_its_sentence(kind):
    error = kind("it is: absent")
    again = pickle.loads(pickle.dumps(error))
    told = error.retold(f"start x: {error}")
    assert (type(again), str(again), again.code) == (kind, "it is: absent", kind.code)
    assert (type(told), str(told)) == (kind, "start x: it is: absent")
    assert str(error) == "it is: absent"  # the code is no part of it
    assert error.line() == f"it is: absent [{kind.code}]"


@pytest.mark.parametrize("kind", [*ALL, UserError])
def test_a_loaders_worker_leaves_the_sentence(kind):
    with pytest.raises(kind) as refused:
        try:
            try:
                raise ValueError("the reason")
            except ValueError as error:
                raise kind("it is: absent") from error
        except kind:
            ExceptionWrapper(where="in DataLoader worker process 0").reraise()
    assert str(refused.value) == "it is: absent"
    assert refused.value.code == kind.code


def test_an_error_of_no_family_has_no_code():
    error = UserError("of another package")
    assert error.code == "" and error.line() == "of another package"


def test_what_is_said_on_the_way_has_the_family_of_its_cause(tmp_path):
    from mmtaskssl.customize.starts import Start

    (tmp_path / "x.pth").write_text("no checkpoint")
    config = "selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    start = Start.parse(f"{config}={tmp_path / 'x.pth'}")
    with pytest.raises(FileDamaged, match=r"^start .*x\.pth is damaged"):
        start.open()
