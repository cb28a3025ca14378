"""Fine-tunings of another length are other ones."""

from types import SimpleNamespace

from mmtaskssl.customize.dense.trial import Trial


def test_a_length_has_a_folder_of_its_own(tmp_path):
    race = SimpleNamespace(out=tmp_path, name_of=lambda arm, iters: f"{arm}-{iters}i")
    folders = {Trial(race, n).folder("start", 0) for n in (None, 3, 6)}
    assert {folder.name for folder in folders} == {
        *("start-0i-tuned-own", "start-0i-tuned-3i", "start-0i-tuned-6i")
    }
