import numpy as np
import pytest
from PIL import Image

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.routing.crops import is_detection, read_boxes, read_detection_task
from mmtaskssl.utils.errors import UserError

TRANSFORM = EvalTransform(16, (127.5,) * 3, (64.0,) * 3)
OBJECT = """<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin>
<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"""


def write(folder, objects, listed=("a",)):
    """Writes a black image with one red and one green square."""
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[10:30, 10:30, 0] = 255
    pixels[35:55, 50:70, 1] = 255
    Image.fromarray(pixels).save(folder / "JPEGImages" / "a.png")
    text = "".join(OBJECT.format(*o) for o in objects)
    (folder / "Annotations" / "a.xml").write_text(f"<annotation>{text}</annotation>")
    # What the other lists name does not exist: reading it would fail.
    (folder / "ImageSets/Main/train.txt").write_text("\n".join(listed) + "\n")
    (folder / "ImageSets/Main/test.txt").write_text("missing\n")
    return folder


RED, GREEN = ("red", 0, 11, 11, 30, 30), ("green", 0, 51, 36, 70, 55)


def test_boxes_become_images_of_their_class(tmp_path):
    small, hard = ("red", 0, 1, 1, 5, 30), ("red", 1, 1, 1, 40, 30)
    folder = write(tmp_path, [RED, GREEN, small, hard])
    assert is_detection(folder) and not is_detection(tmp_path / "nowhere")
    box = read_boxes(folder)[0]
    assert (box.left, box.top, box.right, box.bottom) == (10, 10, 30, 30)
    task = read_detection_task(folder, TRANSFORM)
    assert task.class_names == ["green", "red"] and task.y.tolist() == [1, 0]
    colour = task.pixels.float().mean(dim=(1, 2))
    # The evaluation crop cuts most of the black margin away again.
    assert colour[0, 0] > 200 and colour[0, 1] == 0 and colour[1, 1] > 200
    assert task.image_ids == ["a.png", "a.png"]


def test_a_box_beyond_the_image_is_cut(tmp_path):
    outside = ("red", 0, 70, 50, 200, 100)
    task = read_detection_task(write(tmp_path, [outside, GREEN]), TRANSFORM)
    assert task.pixels.shape == (2, 16, 16, 3)


def test_the_draw_is_a_function_of_the_seed(tmp_path):
    folder = write(tmp_path, [RED, GREEN] * 10)
    drawn = [read_detection_task(folder, TRANSFORM, 8, s).y.tolist() for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2] and len(drawn[0]) == 8


@pytest.mark.parametrize(
    ("objects", "listed", "said"),
    [
        ([RED, GREEN], ("a", "b"), "b.xml is no annotation"),
        (
            [("red", 0, "x", 1, 30, 30)],
            ("a",),
            "lacks its name or a number of its bndbox",
        ),
        ([RED], ("a",), "boxes of 1 classes"),
    ],
)
def test_bad_annotations_are_told(tmp_path, objects, listed, said):
    with pytest.raises(UserError, match=said):
        read_detection_task(write(tmp_path, objects, listed), TRANSFORM)
