import cv2
import numpy as np
import pytest

from mmtaskssl.features.copies import KINDS, make_copy
from mmtaskssl.selection import pixels, windows

from ._pictures import picture


def test_a_copy_agrees_whatever_was_done_to_it():
    rng = np.random.default_rng(0)
    for seed in range(6):
        image = picture(seed)
        for kind in KINDS:
            copy = pixels.detail_of(make_copy(image, kind, rng))
            match = pixels.compare(copy, pixels.detail_of(image), kind == "flip")
            assert match.agreement > 0.92, kind
            assert ("mirrored" in match.transform) == (kind == "flip")
            assert ("cropped" in match.transform) == (kind == "crop")


def test_other_pictures_of_the_same_layout_do_not_agree():
    layout = pixels.detail_of(picture(0))
    for seed in range(1, 6):
        other = pixels.detail_of(picture(0, details=seed))
        assert pixels.compare(layout, other).agreement < 0.8


def test_the_larger_picture_may_be_either():
    image = picture(3)
    whole, part = pixels.detail_of(image), pixels.detail_of(image[9:87, 12:90])
    assert pixels.compare(part, whole).agreement > 0.95
    match = pixels.compare(whole, part, swapped=True)
    assert match.agreement > 0.95 and match.side == pytest.approx(78 / 96, abs=0.02)


def test_likely_pairs_name_the_original_and_how_it_was_changed():
    images = [picture(seed) for seed in range(12)]
    thumbs = np.stack([windows.thumbnails(pixels.detail_of(i)) for i in images])
    changed = [images[4][:, ::-1], images[7][8:88, 8:88], images[2]]
    queries = np.stack(
        [windows.thumbnails(pixels.detail_of(np.ascontiguousarray(i))) for i in changed]
    )
    pairs = pixels.likely_pairs(queries, thumbs, 1, 0.3)
    assert [(p.first, p.second, p.flipped) for p in pairs] == [
        (0, 4, True),
        (1, 7, False),
        (2, 2, False),
    ]
    assert not pairs[1].swapped
    assert pixels.likely_pairs(queries, thumbs, 1, 1.1) == []


def test_a_blank_image_agrees_with_nothing():
    blank = pixels.detail_of(np.full((96, 96, 3), 128, np.uint8))
    assert not windows.thumbnails(blank).any()
    for other in (blank, pixels.detail_of(picture(0))):
        for swapped in (False, True):
            assert pixels.compare(blank, other, swapped=swapped).agreement < 0.5


@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 400, 3), (2000, 3, 3)])
def test_odd_shapes_are_taken(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    detail = pixels.detail_of(image)
    assert min(detail.shape) == pixels.SIDE
    assert windows.thumbnails(detail).shape == (windows.WINDOWS, windows.LENGTH)
    assert np.isfinite(pixels.compare(detail, pixels.detail_of(picture(0))).agreement)


@pytest.mark.parametrize("shape", [(96, 96), (96, 131), (211, 96)])
def test_small_versions_are_averages_of_each_window(shape):
    detail = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    found = windows.thumbnails(30 * detail)
    assert found.shape == (windows.WINDOWS, windows.LENGTH)
    rows = iter(found)
    for side, count in ((1.0, 1), (0.92, 2), (0.85, 3), (0.78, 4)):
        h, w = (round(side * length) for length in shape)
        for top in np.linspace(0, shape[0] - h, count).round().astype(int):
            for left in np.linspace(0, shape[1] - w, count).round().astype(int):
                window = np.ascontiguousarray(detail[top : top + h, left : left + w])
                small = cv2.resize(window, (16, 16), interpolation=cv2.INTER_AREA)
                wanted = small.ravel() / np.linalg.norm(small)
                np.testing.assert_allclose(next(rows), wanted, atol=1e-6)
    assert not windows.thumbnails(np.zeros(shape, np.float32)).any()
