"""Every command and every block of Python of README and docs works as it is written.

What the reader has (`/my/pool`, `CONFIG`, `CKPT`) is put in place of these words, and
options are added that make trainings short (`tests/_docs_rules.py`). A page has one
folder, in which each unit finds what earlier ones have left. ``MMTASKSSL_DOCS=all``, as
``.ci/full`` has it, runs the long ones, too.
"""

import functools
import os
import re
from pathlib import Path

import pytest

import mmtaskssl.apis
from mmtaskssl.utils.errors import UserError
from tests import _docs, _docs_files, _docs_said
from tests._docs_rules import ADDED, CHANGED, NETWORK_OF, PAGES, RULES, SHORTER
from tests._docs_world import World

ALL = os.environ.get("MMTASKSSL_DOCS") == "all"
MOST_UNRUN = 0.12
#: Words of Python blocks that stand for what the reader has, quoted or not.
NAMES = ("CONFIG", "CKPT", "POOL", "TARGET", "OUT", "START", "FILE")


@pytest.fixture(scope="module")
def texts(repo_root):
    return _docs.pages(repo_root)


@pytest.fixture(scope="module")
def known(texts):
    found = {
        name: _docs.units(name, text)
        + _docs.inline_units(name, text, _docs_said.is_whole)
        for name, text in texts.items()
    }
    return {name: units for name, units in found.items() if units}


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def _rules(unit):
    return [rule for rule in RULES if rule.fits(unit)]


def test_every_page_with_programs_is_run(known):
    assert sorted(known) == sorted(PAGES)
    assert sum(map(len, known.values())) > 120
    inline = "mmtaskssl pretrain mmpretrain::"  # of a sentence, with all that it needs
    assert any(u.text.startswith(inline) for u in known["docs/howto/hosts.md"])


def test_no_rule_is_stale(known):
    units = [unit for found in known.values() for unit in found]
    assert [rule for rule in RULES if not any(map(rule.fits, units))] == []
    assert [u.place for u in units if sum(bool(r.reason) for r in _rules(u)) > 1] == []
    unrun = [unit for unit in units if any(rule.reason for rule in _rules(unit))]
    assert len(unrun) < MOST_UNRUN * len(units)
    for rule in RULES:
        told = " ".join(unit.text for unit in units if rule.fits(unit))
        assert not rule.change or any(old in told for old in rule.change), rule
    told = " ".join(unit.text for unit in units)
    assert [old for old in CHANGED if old not in told] == []
    assert [name for name in SHORTER if f"{name}(" not in told] == []
    tools = {_docs.tool_of(_docs.words_of(u.text)[1]) for u in units if not u.python}
    assert {*ADDED} <= tools
    for rule in RULES:  # whatever is not run says why, in words
        assert not rule.reason or len(rule.reason.split()) > 3


def _with_added(inner, added, *arguments, **options):
    return inner(*arguments, **{**options, **added})


class Page:
    """A folder, and what the units of a page have left in it."""

    def __init__(self, world, root, folder, monkeypatch):
        self.world, self.root, self.folder = world, root, folder
        self.names = {}
        self.outputs = {}  # as the page calls them -> where they lie
        world.fill(folder)
        monkeypatch.chdir(folder)
        for name, added in SHORTER.items():
            inner = getattr(mmtaskssl.apis, name)
            short = functools.partial(_with_added, inner, added)
            monkeypatch.setattr(mmtaskssl.apis, name, short, raising=False)

    def own(self, kind):
        """A network whose checkpoint lies in this page's folder: files go beside it."""
        config, checkpoint = self.world.network(kind)
        if checkpoint == "random":
            return config, checkpoint
        own = self.folder / "nets" / kind / Path(checkpoint).name
        if not own.is_file():
            own.parent.mkdir(parents=True)
            os.link(checkpoint, own)
        return config, str(own)

    def table(self, unit, rules):
        """What stands for the words of a unit."""
        kind = next((r.network for r in rules if r.network), NETWORK_OF[unit.page])
        table = {old: new.format(w=self.world.root) for old, new in CHANGED.items()}
        if re.search(
            r"\b(CONFIG|CKPT|CALIBRATED_CKPT|CONFIG=CHECKPOINT|START|FILE)\b", unit.text
        ):
            table["CONFIG"], table["CKPT"] = self.own(kind)
            calibrated = table["CKPT"].replace(".pth", "-calibrated.pth")
            table["CALIBRATED_CKPT"] = calibrated
            config, table["FILE"] = self.world.network("folder")
            start = f"{config}={table['FILE']}"
            table["CONFIG=CHECKPOINT"] = table["START"] = start
        if "EXPORT_DIR" in unit.text:
            table["EXPORT_DIR"] = self.world.export("folder")
        if "/my/voc" in unit.text:
            self.world.voc()
        if "/my/seg" in unit.text:
            self.world.seg()
        if "resnet50" in unit.text:
            self.world.resnet50()
        changes = str([rule.change for rule in rules])
        if "{w}/stores" in changes:
            self.world.stores()
        if "{w}/nets/detector" in changes:
            self.world.network("detector")
        if "/data" in unit.text:
            table["/data"] = str(self.world.public_sets())
        for name in ("bccd", "coco"):
            if f"/data/{name}" in unit.text:
                getattr(self.world, name)()
        for rule in rules:
            table |= {k: v.format(w=self.world.root) for k, v in rule.change.items()}
        for name in ("exported",):
            found = sorted((self.folder / name).glob("*/meta.json"))
            if kind == "stock" and "--to" in unit.text:
                table[f"{name}/NAME"] = self.world.export("stock")
            elif found:
                table[f"{name}/NAME"] = f"{name}/{found[0].parent.name}"
        return table

    def run(self, unit, rules):
        table = self.table(unit, rules)
        if unit.python:
            self.run_python(unit, table)
        else:
            self.run_command(unit, rules, table)

    def run_python(self, unit, table):
        text = re.sub(rf'"({"|".join(NAMES)})"', r"\1", unit.text)
        self.names |= {name: table.get(name, name) for name in NAMES}
        if re.search(r"=selected\b", text):
            self.names.setdefault("selected", self.world.selected())
        others = {old: new for old, new in table.items() if old not in NAMES}
        exec(compile(_docs.replaced(text, others), unit.place, "exec"), self.names)

    def run_command(self, unit, rules, table):
        environment, words, into = _docs.words_of(unit.text)
        tool, called = _docs.tool_of(words), _docs.named_outputs(words)
        words = [_docs.replaced(word, table) for word in words]
        added = [*ADDED.get(tool, ()), *(w for rule in rules for w in rule.add)]
        added = [word.format(w=self.world.root) for word in added]
        if "--train" in words:  # stores, which no worker reads
            added = []
        if "max_epochs" in f"{unit.text} {added}":  # the config counts them
            added = [word for word in added if not word.startswith("max_iters")]
        pairs = [w for w in added if "=" in w and not w.startswith("-")]
        words += [word for word in added if word not in pairs]
        if pairs and not tool.startswith("benchmarks/"):
            words.append("--cfg-options")
        words += pairs
        outputs = _docs.named_outputs(words)
        stamps = {name: _docs.stamp_of(name) for name in outputs}
        before = self.trainings()
        status, said = _docs.run(words, self.root, environment)
        assert status == 0, f"{unit.place}: {' '.join(words)}\n{said[-3000:]}"
        if into:
            assert said.strip()
            Path(into).write_text(said)
        for name in outputs:
            after = _docs.stamp_of(name)
            if "--dry-run" in words and tool != "customize":  # which diagnoses first
                assert after == stamps[name], f"{unit.place}: {name} was written"
                continue
            assert after, f"{unit.place}: no {name}\n{said[-2000:]}"
            told = f"{unit.place}: {name} was there\n{said[-2000:]}"
            assert after != stamps[name], told
        for name, place in zip(called, outputs, strict=False):
            self.outputs.setdefault(name, set()).add(place)
        if tool == "train" or tool.endswith("dist_train.sh"):
            assert self.trainings() - before, f"{unit.place}: nothing was trained"

    def trainings(self):
        """Ends of trainings, and when they were reached."""
        found = self.folder.rglob("last_checkpoint")
        return {(path, path.stat().st_mtime_ns) for path in found}


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_says_is_done(
    page, texts, known, world, repo_root, tmp_path, monkeypatch
):
    place, left = Page(world, repo_root, tmp_path, monkeypatch), ""
    for unit in known[page]:
        rules = _rules(unit)
        if any(rule.reason or (rule.long and not ALL) for rule in rules):
            left += unit.text
        else:
            place.run(unit, rules)
    lacking = _docs_files.lacking(texts[page], place.outputs)
    # What is not run now may write it.
    assert [name for name in lacking if name.partition("/")[0] not in left] == []


def test_what_fails_or_writes_nothing_is_found(world, repo_root, tmp_path, monkeypatch):
    """So that the tests above can fail."""
    place = Page(world, repo_root, tmp_path, monkeypatch)

    def run(text, python=False):
        place.run(_docs.Unit("README.md", 1, text, python), [])

    run("mmtaskssl cluster --help")
    with pytest.raises(AssertionError, match=r"README.md:1: .*\n.*\[file-missing\]"):
        run("mmtaskssl cluster --pool nowhere --tree 2 --out OUT")
    with pytest.raises(AssertionError, match=r"no OUT\.csv"):
        run("mmtaskssl cluster --help OUT.csv")
    Path("OUT").mkdir()  # of an earlier command
    with pytest.raises(AssertionError, match="OUT was there"):
        run("mmtaskssl cluster --help OUT")
    with pytest.raises(UserError, match="nowhere does not exist"):
        run(
            'from mmtaskssl.apis import FeatureStore\nFeatureStore.open("nowhere")',
            True,
        )
    with pytest.raises(ValueError, match=r"x\.md:2: no command"):
        _docs.units("x.md", "```bash\nmmtaskssll select\n```\n")


def test_a_file_that_a_sentence_names_has_to_be_left(texts, tmp_path):
    page = texts["docs/howto/starts.md"]
    outputs = {"clusters": {str(tmp_path / "clusters-too")}}
    (tmp_path / "clusters-too").mkdir()
    for name in ("report.html", "leaf.npy"):
        (tmp_path / "clusters-too" / name).touch()
    assert _docs_files.lacking(page, outputs) == []
    slip = page.replace("`clusters/leaf.npy`", "`clusters/labels.npy`")
    assert _docs_files.lacking(slip, outputs) == ["clusters/labels.npy"]
