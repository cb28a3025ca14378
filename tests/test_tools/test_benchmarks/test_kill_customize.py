"""What has to be the same after kills."""

import kill_customize
from mmtaskssl.runs import Record


def test_figures_know_nothing_of_place_and_time(tmp_path):
    def write(name, seconds, mean):
        training = {"name": "continued-2i-seed0", "seconds": seconds, "gmacs": 3.0}
        arm = {"name": "continued", "seconds": seconds, "trainings": [training]}
        arm |= {"command": f"pretrain {name}", "checkpoint": name, "mean": mean}
        results = {"verdict": [{"chosen": "continued"}], "arms": [arm], "took": seconds}
        folder = tmp_path / name
        folder.mkdir()
        Record("customization", 1, {}, True, {}, "0", results=results).write(folder)
        return kill_customize.figures(folder)

    whole = write("whole", 3.0, 70.0)
    assert write("killed", 4.0, 70.0) == whole
    assert write("other", 3.0, 71.0) != whole
    assert whole["arms"][0]["trainings"] == [
        {"name": "continued-2i-seed0", "gmacs": 3.0}
    ]
