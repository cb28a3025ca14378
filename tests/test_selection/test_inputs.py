import numpy as np
import pytest

from mmtaskssl.features.fingerprint import fingerprint
from mmtaskssl.runs import RECORD
from mmtaskssl.selection.inputs import read_queries, read_sources
from mmtaskssl.utils.budgets import count_images
from mmtaskssl.utils.errors import UserError

from ._reference import make_store, random_features


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("1_000", 1000), ("10%", 20), ("0.1%", 1), ("100%", 200), (" 7 ", 7)],
)
def test_budget_is_a_number_or_a_share(text, expected):
    assert count_images(text, 200) == expected


@pytest.mark.parametrize("text", ["0", "-3", "0%", "-1%", "many", "", "1.5", "150%"])
def test_bad_budget_is_one_sentence(text):
    with pytest.raises(UserError) as error:
        count_images(text, 200)
    assert "budget" in str(error.value)


def test_queries_of_two_stores_share_classes_and_skip_bad_rows(tmp_path):
    rng = np.random.default_rng(0)
    one = random_features(rng, 4)
    one[2] = np.nan
    first = make_store(tmp_path / "one", one, labels=["b", "c", "b", None])
    second = make_store(
        tmp_path / "two", random_features(rng, 2), labels=["a", "b"], root="/r"
    )
    queries = read_queries([first, second])
    assert queries.class_names == ["a", "b", "c"]
    assert queries.labels.tolist() == [1, 2, -1, 0, 1]
    assert queries.unusable == ["one:p00002.png"]
    assert queries.image_ids[0] == "one:p00000.png"
    assert queries.files[0] is None
    assert str(queries.files[-1]) == "/r/p00001.png"
    assert read_queries([first]).image_ids[0] == "p00000.png"
    assert np.isfinite(queries.features).all()


def test_target_without_usable_images_is_refused(tmp_path):
    store = make_store(tmp_path / "bad", np.zeros((3, 4)))
    with pytest.raises(UserError, match="no target image"):
        read_queries([store])


def test_sources_by_image(tmp_path):
    file = tmp_path / "s.csv"
    file.write_text('source,image\nx,"a,1.png"\ny,b.png\nx,c.png\n')
    rows, names = read_sources(str(file), ["b.png", "a,1.png"])
    assert names == ["x", "y"]
    assert rows.tolist() == [1, 0]
    with pytest.raises(UserError, match=r"1 of 2 .* d\.png"):
        read_sources(str(file), ["b.png", "d.png"])
    file.write_text("a,b\n")
    with pytest.raises(UserError, match="columns"):
        read_sources(str(file), ["b.png"])
    with pytest.raises(UserError, match="cannot read"):
        read_sources(str(tmp_path / "none.csv"), [])


def test_fingerprint_follows_the_features(tmp_path):
    features = random_features(np.random.default_rng(0), 30)
    store = make_store(tmp_path / "s", features)
    before = fingerprint(store)
    assert fingerprint(store) == before
    shard = tmp_path / "s" / "shard-00000.npy"
    array = np.load(shard)
    array[0, 0] += 1
    np.save(shard, array)
    (tmp_path / "s" / RECORD).unlink()  # which would say that it was changed
    assert fingerprint(store) != before
