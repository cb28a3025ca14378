"""Pictures of README and docs: there, told in words, and what their scripts draw."""

import importlib
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from ._images import make_image_folder
from .test_customize.test_handover._records import record

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn(repo_root):
    """The script that draws the pictures of the concept pages."""
    sys.path.insert(0, str(repo_root / "docs"))
    try:
        yield importlib.import_module("draw_pictures")
    finally:
        sys.path.remove(str(repo_root / "docs"))


def test_each_concept_has_a_picture_of_its_own(repo_root, drawn):
    pages = {p.stem: p for p in (repo_root / "docs" / "concepts").glob("*.md")}
    assert pages.keys() - {"index"} == drawn.PICTURES.keys()
    seen = set()
    for name in drawn.PICTURES:
        ((told, file),) = IMAGE.findall(pages[name].read_text(encoding="utf-8"))
        assert file == f"../pictures/{name}.svg" and len(told) > 60, name
        seen.add(told)
    assert len(seen) == len(drawn.PICTURES)


def test_what_is_stored_is_what_the_figures_give(repo_root, drawn):
    for name, draw in drawn.PICTURES.items():
        stored = repo_root / "docs" / "pictures" / f"{name}.svg"
        assert stored.read_text(encoding="utf-8") == draw(), (
            f"{name}: python docs/draw_pictures.py draws it anew"
        )


def test_marks_lie_where_their_figures_are(drawn):
    """Read back from a drawing, the places are a line through the figures."""
    root = ElementTree.fromstring(drawn.starts())
    places = {}
    for mark in root.iter():
        title = mark.find(f"{SVG}title")
        if mark.tag == f"{SVG}circle" and title is not None:
            name, value = title.text.rsplit(": ", 1)
            places[name] = float(value), float(mark.get("cx"))
    results = drawn.read_results("starts")
    key = "seed0/results/40px-public-cifar10.json"
    value = places["cifar10, as it is, 40 px"][0]
    assert value == round(results[key]["test"]["linear"], 1) and len(places) == 10
    (a, x), (b, y) = min(places.values()), max(places.values())
    for value, place in places.values():
        assert place == pytest.approx(x + (value - a) * (y - x) / (b - a), abs=0.5)


def test_figures_are_read_and_not_written(repo_root, drawn):
    table = drawn.read_table(
        "dspnet.md", "DSPNet: one training, every width", "Linear top-1 (%)"
    )
    assert table[0]["width"] == "1" and drawn.figure(table[0]["slimmed"]) == (40.0, 0.8)
    source = (repo_root / "docs" / "draw_pictures.py").read_text(encoding="utf-8")
    code = source.replace("79.2 ± 1.9", "")  # how a cell may look
    assert not re.findall(r"(?<![\w.])\d+\.\d+", code)


def test_pictures_read_in_both_modes_and_load_nothing(repo_root, drawn):
    for name in drawn.PICTURES:
        file = repo_root / "docs" / "pictures" / f"{name}.svg"
        text = file.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert root.get("role") == "img" and root.find(f"{SVG}title").text
        assert "prefers-color-scheme:dark" in text and 'class="card"' in text
        assert "<script" not in text and "href" not in text and "url(" not in text
        assert file.stat().st_size < 40_000


def test_the_picture_is_of_a_run(repo_root, tmp_path, monkeypatch):
    """Of a run as `quickstart` leaves one, everything is read."""
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(repo_root / "docs")
    script = importlib.import_module("draw_quickstart")
    make_image_folder(tmp_path / "images" / "pool", 30, (), size=8)
    make_image_folder(tmp_path / "images" / "target" / "train", 2, ("a", "b"), size=8)
    done = tmp_path / "customized"
    (done / "selection").mkdir(parents=True)
    kept = record(inspection={"train": {"image_ids": 4}})
    (done / "record.json").write_text(json.dumps({"results": kept}))
    lines = ["rank,image,score,query,query_rank"]
    lines += [
        f"{i},{i:03}.png,0.9,{'ab'[i % 2]}/{i % 3 // 2:03}.png,1" for i in range(9)
    ]
    (done / "selection" / "selection.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(sys, "argv", ["x", str(tmp_path), "--out", str(tmp_path)])
    script.main()
    facts = json.loads((tmp_path / "quickstart.json").read_text())
    assert facts["sentence"] == kept["verdict"][0]["sentence"]
    assert [one["mean"] for one in facts["differences"]] == [6.4, 2.6]
    assert facts["pool"]["images"] == 30 and facts["selected"] == 9
    shown = facts["target"]["shown"]
    assert len(shown) == 2 and all(1 < len(images) <= 7 for images in shown.values())
    image = pytest.importorskip("PIL.Image")
    modes = {
        mode: image.open(tmp_path / f"quickstart-{mode}.png")
        for mode in ("light", "dark")
    }
    with image.open(tmp_path / "quickstart-narrow-light.png") as narrow:
        assert narrow.width < modes["light"].width / 2
    for opened in modes.values():
        assert opened.text["Description"] == facts["sentence"]
    light, dark = (one.convert("RGB").getpixel((2, 2)) for one in modes.values())
    assert light == (255, 255, 255) and max(dark) < 60


def test_readme_opens_with_what_the_quickstart_gave(repo_root):
    readme = (repo_root / "README.md").read_text(encoding="utf-8")
    index = (repo_root / "docs" / "index.md").read_text(encoding="utf-8")
    opening = readme.partition("\n## ")[0]
    (told,) = re.findall(
        r'<img alt="([^"]+)" src="docs/pictures/quickstart-light', opening
    )
    assert len(told) > 60
    assert 'srcset="docs/pictures/quickstart-dark.png"' in opening
    pictures = repo_root / "docs" / "pictures"
    facts = json.loads((pictures / "quickstart.json").read_text(encoding="utf-8"))
    assert facts["sentence"].startswith("Use ") and facts["run"].startswith(
        "make quickstart"
    )
    image = pytest.importorskip("PIL.Image")
    for mode in ("light", "dark", "narrow-light", "narrow-dark"):
        file = pictures / f"quickstart-{mode}.png"
        assert f"docs/pictures/{file.name}" in opening
        assert file.stat().st_size < 300_000 and f"pictures/{file.name}" in index
        with image.open(file) as opened:
            # Drawn from these facts, and from no others.
            assert opened.text["Description"] == facts["sentence"]
