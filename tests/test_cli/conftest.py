import pytest

from mmtaskssl.utils import apart
from tests._images import make_image_folder


@pytest.fixture
def trials_here(monkeypatch, repo_root):
    """Trials run in this process, which has imported everything."""
    monkeypatch.chdir(repo_root)

    def call(function, arguments, options, log):
        function(*arguments, **options)
        return 0

    monkeypatch.setattr(apart, "call_apart", call)


@pytest.fixture
def images(tmp_path):
    return make_image_folder(tmp_path / "images", 50, ("a", "b"), 40)
