import json
import re

from studies.packed import pack, unpack
from studies.study import Study


class Empty(Study):
    def cells(self):
        return []

    def tables(self):
        return ""


def test_figures_come_to_their_places_and_none_is_replaced(tmp_path):
    first, other = Empty(tmp_path / "a", 2), Empty(tmp_path / "b", 2)
    for seed in range(2):
        file = first.seed_folder(seed, "results", "x.json")
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"test": seed / 3}))
    pack(first, tmp_path / "figures.json")
    assert len((tmp_path / "figures.json").read_text().splitlines()) == 4
    own = other.seed_folder(1, "results", "x.json")
    own.parent.mkdir(parents=True)
    own.write_text("[7]")
    unpack(other, tmp_path / "none.json")
    unpack(other, tmp_path / "figures.json")
    taken = other.seed_folder(0, "results", "x.json")
    assert json.loads(taken.read_text()) == {"test": 0.0}
    assert own.read_text() == "[7]"


def test_no_place_of_this_machine_is_kept(tmp_path, repo_root):
    study = Empty(tmp_path, 1)
    study.data = tmp_path / "data"
    file = study.seed_folder(0, "results", "x.json")
    file.parent.mkdir(parents=True)
    file.write_text(
        json.dumps({"root": str(study.data / "a"), "in": ["s", 1, 1e3 / 3]})
    )
    pack(study, tmp_path / "figures.json")
    (kept,) = json.loads((tmp_path / "figures.json").read_text()).values()
    assert kept == {"root": "DATA/a", "in": ["s", 1, 333.3333]}
    results = [*(repo_root / "tools/benchmarks/results").glob("*.json")]
    assert results
    for result in results:
        assert not re.search(r'"(/|[A-Za-z]:[\\/]|~)', result.read_text()), result.name
