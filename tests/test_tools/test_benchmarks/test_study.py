"""What every study is made of: its cells, what is kept, its trainings."""

import json
from functools import partial

import pytest

from mmtaskssl.utils.errors import UserError
from studies.figures import Figures
from studies.pool_study import Place, PoolStudy
from studies.study import Study
from tests._images import make_image_folder

_CONFIG = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"


class Squares(Study):
    """Of numbers; the third fails while ``broken``."""

    broken = False

    def __init__(self, out):
        super().__init__(out)
        self.squared = []

    def cells(self):
        self.claim(self.out / "settings.json", "squares", "name another folder")
        for number in range(4):
            yield partial(self._square, number)

    def _square(self, number):
        file = self.out / f"{number}.json"
        self.kept(file, f"square {number}", partial(self._find, number))

    def _find(self, number):
        if self.broken and number == 2:
            raise UserError("two")
        self.squared.append(number)
        return number**2

    def tables(self):
        files = (self.out / f"{number}.json" for number in range(4))
        return "".join(file.read_text() for file in files if file.exists())


def test_what_was_found_is_found_once(tmp_path, capsys):
    study = Squares(tmp_path)
    study.broken = True
    with pytest.raises(UserError, match="two"):
        study.run()
    assert (tmp_path / "tables.md").read_text().split() == ["0", "1"]
    assert "2/4, 0 min to go" in capsys.readouterr().out
    again = Squares(tmp_path)
    again.run()
    assert again.squared == [2, 3]
    assert (tmp_path / "tables.md").read_text().split() == ["0", "1", "4", "9"]
    done = Squares(tmp_path)
    capsys.readouterr()
    done.run()
    assert not done.squared and not capsys.readouterr().out


def test_a_folder_of_another_study_is_refused(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps("cubes"))
    with pytest.raises(UserError, match="results of cubes, not of squares: name an"):
        Squares(tmp_path).run()
    assert len([*tmp_path.iterdir()]) == 1


class Nothing(PoolStudy):
    def cells(self):
        return []

    def tables(self):
        return ""


@pytest.fixture
def pool_study(tmp_path):
    data = tmp_path / "data"
    (data / "pool" / "images").mkdir(parents=True)
    for split in ("train", "test"):
        make_image_folder(data / "classification" / "dots" / split, 2, size=50)
    return Nothing(Place(data, tmp_path / "out", None, 1), _CONFIG, 10)


def test_a_target_is_read_once_at_the_views_size(pool_study):
    assert pool_study.targets == ["dots"]
    target = pool_study.images("dots")
    assert next(iter(target.samples["train"])).shape == (4, 3, 40, 40)
    assert target.labels["test"].tolist() == [0, 0, 1, 1]
    assert pool_study.images("dots") is target


def test_a_training_is_a_step_of_its_seed_and_length(pool_study, monkeypatch):
    said = []
    monkeypatch.setattr(
        pool_study.steps, "run", lambda *args, **kwargs: said.append((args, kwargs))
    )
    last = pool_study.pretrain(3, "ours", "--flag", options=["a=1"])
    assert last == pool_study.out / "seed3" / "pretrain-ours" / "iter_10.pth"
    ((name, done, tool, *command), kwargs) = said[0]
    assert (name, done, tool) == ("seed 3 pretrain ours", last, "train")
    assert command[1:] == ["--work-dir", last.parent, "--resume", "--flag"]
    begin = [f"images={pool_study.pool}", "max_iters=10", "randomness.seed=3"]
    assert kwargs["options"] == [*begin, "a=1"]


_FOUND = {
    ("ours", 0): {"a": 30.0, "b": 40.0},
    ("ours", 1): {"a": 34.0, "b": 42.0},
    ("theirs", 0): {"a": 29.0, "b": 37.0},
    ("theirs", 1): {"a": 30.0, "b": 38.0},
    ("theirs", 2): {"a": 90.0},
}


@pytest.fixture
def figures():
    def read(arm, seed, target):
        return _FOUND.get((arm, seed), {}).get(target)

    return Figures(read, 3, ["a", "b"])


def test_figures_are_paired_by_seed(figures):
    assert figures.by_seed("theirs", "a") == {0: 29.0, 1: 30.0, 2: 90.0}
    # The third seed lacks a target.
    assert figures.by_seed("theirs") == {0: 33.0, 1: 34.0}
    assert figures.paired_cell("ours", "theirs") == "+3.0 ± 1.0"
    assert figures.paired("ours", "nobody") is None
    assert figures.cell("nobody") == figures.paired_cell("ours", "nobody") == "-"


def test_tables_of_figures(figures):
    arms = {"ours": "Ours", "theirs": "Theirs", "nobody": "Nobody"}
    assert figures.by_target(arms, mean=True) == [
        "| target | Ours | Theirs | Nobody |",
        "| --- | --- | --- | --- |",
        "| a | 32.0 ± 2.8 | 49.7 ± 34.9 | - |",
        "| b | 41.0 ± 1.4 | 37.5 ± 0.7 | - |",
        "| mean | 36.5 ± 2.1 | 33.5 ± 0.7 | - |",
    ]
    (line,) = figures.against("ours", arms)
    # Differences 2 and 4: t of one degree of freedom is 12.7 at 97.5 %.
    assert line == "- Theirs: +3.0 ± 1.4 (95 % -9.7 to +15.7, p = 0.5)"
