"""``--dry-run`` says what a command takes, and the command then takes it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mmtaskssl.apis import import_features, pretrain
from mmtaskssl.cli import (
    cluster_data,
    deduplicate,
    dry_run,
    extract_features,
    large,
    plans,
    search_subnet,
    select_data,
    take,
    train,
    trial,
)
from mmtaskssl.utils import apart
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import (
    BadBudget,
    OptionConflict,
    OptionMissing,
    StepFailed,
)
from tests.test_cli._plans import NETWORK, near, plan_and_run

pytestmark = pytest.mark.usefixtures("trials_here")

FOLDER = "configs/selfsup/simsiam/simsiam_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
SUPERNET = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb16-coslr-12i_debug-32px.py"
)


@pytest.fixture
def stores(tmp_path, images):
    rng = np.random.default_rng(0)
    for name, rows in (("pool", 400), ("target", 30)):
        ids = [f"{name}/{i:04d}.png" for i in range(rows)]
        import_features(rng.normal(size=(rows, 16)), ids, tmp_path / name)
    return tmp_path


def test_selection(stores):
    out = stores / "selection"
    argv = ["--pool", str(stores / "pool"), "--target", str(stores / "target")]
    argv += ["--budget", "10%", "--out", str(out), "--no-report"]
    plan, written = plan_and_run(select_data, "of_select", argv, out)
    assert plan.count == len((out / "selection.txt").read_text().splitlines()) == 40
    assert near(plan.writes, written) and plan.reads == 400 * 16 * 2
    args = select_data.make_parser().parse_args([*argv, "--budget", "100"])
    assert plans.of_select(args, [*argv, "--budget", "100"]).count == 100


def test_selection_from_a_very_large_pool(stores):
    pytest.importorskip("faiss")
    out, index = stores / "large", stores / "index"
    argv = ["--pool", str(stores / "pool"), "--target", str(stores / "target")]
    argv += ["--budget", "10%", "--out", str(out), "--no-report"]
    parse = select_data.make_parser().parse_args

    def planned(*more):
        return plans.of_select(parse([*argv, *more]), [*argv, *more])

    with pytest.raises(UserError, match="--memory of 1 MiB does not suffice"):
        planned("--memory", "1MiB")
    with pytest.raises(UserError, match="--memory of 1 MiB does not suffice"):
        planned("--approximate", str(index), "--memory", "1MiB")
    bound = planned("--memory", "30MiB")
    assert bound.passes.endswith("over the features")
    before = planned("--approximate", str(index), "--lists", "10")
    assert "for an index, and an index of 10 lists" in before.passes
    assert not index.exists() and not out.exists()
    select_data.main([*argv, "--approximate", str(index), "--lists", "10"])
    size = sum(p.stat().st_size for p in index.glob("*.npy"))
    after = planned("--approximate", str(index))
    assert after.passes == "an index of 10 lists"
    assert near(before.writes - after.writes, size)


def test_a_bound_shows_in_the_memory():
    bound = large.Scale(bound=100)
    assert bound.memory(expected=10**6, before=500) == 600
    assert bound.memory(expected=550, before=500) == 550
    assert large.Scale().memory(expected=10**6, before=500) == 10**6


def test_clustering(stores):
    out = stores / "clusters"
    argv = ["--pool", str(stores / "pool"), "--tree", "2x2", "--out", str(out)]
    argv += ["--no-report"]
    plan, written = plan_and_run(cluster_data, "of_cluster", argv, out)
    assert plan.count == 400 and near(plan.writes, written)
    assert plan.passes.startswith("2 passes")


def test_copies(tmp_path, images):
    out = tmp_path / "kept"
    argv = [str(images), "--out", str(out)]
    plan, written = plan_and_run(deduplicate, "of_deduplicate", argv, out)
    assert plan.count == 100 and plan.writes == pytest.approx(written, rel=0.4)


@pytest.mark.parametrize("form", ["shards", "folder"])
def test_taking(tmp_path, images, form):
    ids = [p.relative_to(images).as_posix() for p in sorted(images.rglob("*.png"))]
    (tmp_path / "list.txt").write_text("\n".join(ids) + "\n")
    out = tmp_path / "taken"
    argv = [str(tmp_path / "list.txt"), "--images", str(images), "--out", str(out)]
    plan, written = plan_and_run(take, "of_take", [*argv, "--form", form], out)
    assert plan.count == 100 and near(plan.writes, written)
    assert plan.reads == sum(p.stat().st_size for p in images.rglob("*.png"))


def test_training(tmp_path, images):
    out = tmp_path / "work"
    argv = [FOLDER, "--work-dir", str(out), "--cfg-options", f"images={images}"]
    argv += ["batch_size=10", "max_iters=12", "num_workers=0", "log_level=WARNING"]
    plan, written = plan_and_run(train, "of_pretrain", argv, out)
    assert plan.count == 12 and plan.passes == "1.2 passes"
    assert near(plan.writes, written)
    (tmp_path / "epochs.py").write_text("train_cfg = dict(max_epochs=2)\n")
    args = train.make_parser().parse_args([str(tmp_path / "epochs.py")])
    with pytest.raises(OptionConflict, match="has no max_iters"):
        plans.of_pretrain(args, [])


def test_search(tmp_path, images):
    out = tmp_path / "search"
    trained = pretrain(SUPERNET, iters=1, work_dir=tmp_path / "supernet")
    argv = [
        SUPERNET,
        str(trained.checkpoint),
        "--images",
        str(images),
        "--out",
        str(out),
    ]
    argv += ["--budget", "0-10G", "--candidates", "9", "--num-images", "16"]
    argv += ["--bn-images", "16", "--device", "cpu"]
    plan, _ = plan_and_run(search_subnet, "of_search", argv, out)
    assert plan.count == 9 and plan.passes == "16 images by 10 networks"


def test_what_cannot_be_planned_is_said(stores, tmp_path):
    argv = ["--pool", str(stores / "images"), "--target", str(stores / "target")]
    argv += ["--budget", "10", "--out", str(tmp_path / "o"), "--dry-run"]
    with pytest.raises(OptionConflict, match="plans from feature stores"):
        select_data.main(argv)
    argv[1] = str(stores / "pool")
    argv[3] = str(tmp_path)
    with pytest.raises(OptionConflict, match=r"--target \S+ is none"):
        select_data.main(argv)
    with pytest.raises(OptionMissing, match="plans the extraction"):
        extract_features.main(["--from-npy", "x.npy", "--out", "o", "--dry-run"])


def test_a_trial_that_fails_repeats_its_sentence(tmp_path, monkeypatch):
    def failing(function, arguments, options, log):
        log.write_text("some lines\nerror: no such pool [file-missing]\n")
        return 2

    monkeypatch.setattr(apart, "call_apart", failing)
    with pytest.raises(Exception, match="cannot be run: no such pool") as failed:
        trial.run("take", (1, 2), lambda n, out: [], tmp_path)
    assert not isinstance(failed.value, StepFailed)


def test_a_line_is_drawn_through_two_runs():
    found = trial.Trial((16, 80), 5.0, (1.0, 3.0), (100, 100), (10, 74))
    assert found.time(16 + 640) == 5.0 + 20.0 and found.memory(1000) == 100
    assert found.written(180) == 174
    assert dataclasses.replace(found, pages=50).written(180) == 224


def test_pages_do_not_grow_with_the_work(tmp_path):
    def part(size, out):
        (tmp_path / f"{size}.txt").write_text("x" * 10 * size)
        return [str(tmp_path / f"{size}.txt"), str(out)]

    def command(argv):
        out = Path(argv[1])
        out.mkdir()
        (out / "page.html").write_text("a page")
        (out / "list.txt").write_text(Path(argv[0]).read_text())

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(take, "main", command)
        found = trial.run("take", (1, 4), part, tmp_path)
    assert found.disk == (10, 40) and found.pages == 6 and found.written(10) == 106


def tree(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_nothing_of_the_users_is_written(stores, images, capsys):
    pool, target, out = (str(stores / name) for name in ("pool", "target", "out"))
    select = ["--pool", pool, "--target", target, "--no-report"]
    select_data.main([*select, "--budget", "30", "--out", str(stores / "selected")])
    for rows in (40, 0):
        table = str(stores / f"t{rows}.parquet")
        argv = [*NETWORK, "--images", str(images), "--to-parquet", table]
        if rows:
            extract_features.main([*argv, "--out", str(stores / "full")])
        before = tree(stores)
        extract_features.main([*argv, "--out", out, "--dry-run"])
        assert tree(stores) == before
    hits = ["--hits", str(stores / "hits"), "--budget", "5", "--out", out]
    select_data.main([*select, *hits, "--dry-run"])
    # A shortened flag is one, too, and plans once.
    select_data.main([*select, *hits, "--dry"])
    assert tree(stores) == before
    assert capsys.readouterr().out.count("nothing was written") == 4


def test_removing_takes_no_other_option(stores):
    (stores / "ids.txt").write_text("pool/0001.png\n")
    argv = ["--remove", str(stores / "ids.txt"), "--out", str(stores / "pool")]
    before = tree(stores)
    for more in (["--dry-run"], ["--to-parquet", "x"], ["--engine", "ray"]):
        with pytest.raises(OptionConflict, match=f"without .*{more[0]}"):
            extract_features.main([*argv, *more])
    assert tree(stores) == before


def test_a_selection_is_taken_in_a_plan(tmp_path, images, capsys):
    rng = np.random.default_rng(0)
    ids = [p.relative_to(images).as_posix() for p in sorted(images.rglob("*.png"))]
    import_features(rng.normal(size=(100, 8)), ids, tmp_path / "p", root=images)
    import_features(rng.normal(size=(9, 8)), ids[:9], tmp_path / "t", root=images)
    select = ["--pool", str(tmp_path / "p"), "--target", str(tmp_path / "t")]
    out = ["--out", str(tmp_path / "s"), "--no-report"]
    select_data.main([*select, "--budget", "30", *out])
    take.main(["--out", str(tmp_path / "o"), "--dry-run", "--", str(tmp_path / "s")])
    assert "30 images" in capsys.readouterr().out


def test_bad_budgets_are_told_before_a_trial(stores, monkeypatch):
    monkeypatch.setattr(trial, "run", lambda *_: pytest.fail("was tried"))
    argv = ["--pool", str(stores / "pool"), "--target", str(stores / "target")]
    for budget in ("abc", "5.5", "0", "-3", "101%", "nan%"):
        with pytest.raises(BadBudget):
            select_data.main([*argv, f"--budget={budget}", "--out=o", "--dry-run"])


def test_a_positional_is_replaced_and_no_other_word():
    parser = deduplicate.make_parser()
    argv = ["--pool-root", "x", "x", "--out", "x"]
    assert trial.replaced(argv, parser, "pool", "y") == [*argv[:2], "y", *argv[3:]]
    assert trial.added(["--a", "--", "x"], "-b") == ["--a", "-b", "--", "x"]


def test_as_many_as_are_enough_are_planned(stores):
    rng = np.random.default_rng(1)
    like = rng.normal(size=(30, 16)) + 3
    pool = rng.normal(size=(1200, 16)) + 3 * (rng.permutation(1200) < 300)[:, None]
    import_features(pool, [f"{i}" for i in range(1200)], stores / "many")
    import_features(like, [f"t{i}" for i in range(30)], stores / "like")
    out = stores / "selection"
    argv = ["--pool", str(stores / "many"), "--target", str(stores / "like")]
    argv += ["--budget", "auto", "--out", str(out), "--no-report"]
    plan, written = plan_and_run(select_data, "of_select", argv, out)
    found = len((out / "selection.txt").read_text().splitlines())
    assert plan.count == found < 600 and near(plan.writes, written)
    assert not plan.what.startswith("about")
    with pytest.MonkeyPatch.context() as patched:  # of a part as large a part is enough
        patched.setattr(dry_run, "_MOST_ROWS", 600)
        args = select_data.make_parser().parse_args([*argv, "--overwrite"])
        plan = plans.of_select(args, argv)
    assert plan.what.startswith("about") and plan.count == pytest.approx(found, rel=0.2)


def test_images_to_keep_out_are_planned(tmp_path, images):
    names = [p.relative_to(images).as_posix() for p in sorted(images.rglob("*.png"))]
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, 16))
    import_features(rows, names, tmp_path / "pool", root=images)
    import_features(rows[:9], names[:9], tmp_path / "tests", root=images)
    import_features(rows[9:20], names[9:20], tmp_path / "target", root=images)
    out = tmp_path / "selection"
    argv = ["--pool", str(tmp_path / "pool"), "--target", str(tmp_path / "target")]
    argv += ["--exclude", str(tmp_path / "tests"), "--budget", "20", "--no-report"]
    argv += ["--out", str(out)]
    plan, written = plan_and_run(select_data, "of_select", argv, out)
    assert plan.count == 20 and near(plan.writes, written)
    size = sum(p.stat().st_size for p in images.rglob("*.png"))
    assert plan.reads == size + 100 * 16 * 2 and "for the leak guard" in plan.passes
    by_features = [*argv, "--leak-guard", "features", "--overwrite"]
    args = select_data.make_parser().parse_args(by_features)
    assert plans.of_select(args, by_features).reads == 100 * 16 * 2


def test_a_part_has_one_of_the_copies_that_are_known(stores):
    (known,) = [f"pool/{399 - 1:04d}.png"]
    pool = dry_run.open_store(str(stores / "pool"), "--pool")
    part = dry_run.write_part(pool, 20, stores / "part", {known: known})
    ids = dry_run.open_store(part, "--pool").image_ids
    assert known in ids and len(ids) == 20 and ids == sorted(ids)
    assert (
        known
        not in dry_run.open_store(
            dry_run.write_part(pool, 20, stores / "other"), "--pool"
        ).image_ids
    )


def test_memory_of_pixels_grows_with_what_is_held(tmp_path, images, monkeypatch):
    ids = [str(next(images.rglob("*.png")).relative_to(images))]
    ids += [f"{n}.png" for n in range(4999)]
    (tmp_path / "many.txt").write_text("\n".join(ids) + "\n")
    found = trial.Trial((16, 80), 5.0, (1.0, 2.0), (10**9, 2 * 10**9), (10, 20))
    monkeypatch.setattr(trial, "run", lambda *_: found)
    argv = [str(tmp_path / "many.txt"), "--pool-root", str(images), "--out", "o"]
    for by, least, most in (("pixels", 300e6, 700e6), ("bytes", 0, 1)):
        args = deduplicate.make_parser().parse_args([*argv, "--by", by])
        more = plans.of_deduplicate(args, argv).memory - found.bytes[1]
        assert least <= more < most
