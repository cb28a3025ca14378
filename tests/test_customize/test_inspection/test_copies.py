import numpy as np
from PIL import Image

from mmtaskssl.customize.inspection.copies import HeldOut
from mmtaskssl.customize.inspection.facts import look
from tests.test_selection._pictures import picture

from ._targets import SIDE, draw


def test_other_colours_count_where_they_are_asked_for(tmp_path):
    for seed in range(3):
        draw(tmp_path / f"{seed}.png", seed)
    ids = ["0.png", "1.png", "2.png"]
    facts, _ = look(tmp_path, ids)
    held_out = HeldOut.read(tmp_path, ids, [fact.sha256 for fact in facts])
    image = picture(0, side=SIDE)
    image[..., 0] //= 3
    grey = np.asarray(Image.fromarray(picture(1, side=SIDE)).convert("L"))
    Image.fromarray(image).save(tmp_path / "cold.png")
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(picture(2, side=SIDE)).save(tmp_path / "again.jpg", quality=80)
    seen = look(tmp_path, ["cold.png", "grey.png", "again.jpg", "1.png"])
    assert seen[0][0].tint[0] < facts[0].tint[0] - 25
    assert seen[0][1].grey and not seen[0][0].grey
    found = held_out.copies_among(*seen)
    assert [text.split(" (")[0] for text in found] == [
        "the same pixels as test image 0.png",
        "the same pixels as test image 1.png",
        "the same pixels as test image 2.png",
        "the same file as test image 1.png",
    ]
    assert held_out.copies_among(*seen, tinted=False) == ["", *found[1:]]
