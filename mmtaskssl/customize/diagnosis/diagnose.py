"""From a pool, a target and starts to what is worth trying."""

import dataclasses
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...evaluation.spectrum import effective_rank
from ...features.fingerprint import fingerprint
from ...features.store import FeatureStore, check_same_extractor
from ...networks import Network
from ...runs import State, Work
from ...utils import checks
from ...utils.clock import Clock
from ...utils.devices import AUTO
from ...utils.errors import UserError, option
from ...utils.families import BadValue, NoImages, UnknownName
from ...utils.hashing import lines_sha256
from ..inspection.inspected import Inspected
from ..race.judge import judge_features
from ..starts import Start, check_starts
from .diagnosis import DIAGNOSIS, FEATURES, VERSION, WHAT, Diagnosis
from .likeness import likeness
from .measured import AtSide, Measured, best_of
from .past_studies import PastStudies, shipped
from .recommend import recommend
from .stores import Stores, drawn, rows_not_in, shared_pool

Sides = Sequence[int] | Mapping[str, Sequence[int]]


def diagnose(
    inspected: Inspected,
    starts: Sequence[Start],
    *,
    sides: Sides,
    serves: Collection[str] | None = None,
    networks: Mapping[str, Network] | None = None,
    budget_images: int | None = None,
    pool: FeatureStore | str | os.PathLike | None = None,
    studies: PastStudies | None = None,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    share: str | os.PathLike | None = None,
    overwrite: bool = False,
    device: str = AUTO,
    workers: int | None = None,
    log: Callable[[str], None] = lambda text: None,
    help: Callable[..., None] | None = None,
) -> Diagnosis:
    """Says, before anything is trained, what a pool is worth for a target.

    Test images are not read. Each start is judged by kNN and logistic regression on
    five folds of the target's training images; the features of the best of them, at
    its largest side, tell how alike pool and target are.

    Args:
        inspected: Pool and target.
        starts: To begin from; an untrained network where there is nothing else.
        sides: Of square images, pixels: the one to serve at, then larger ones, at
            which a start could teach itself; or these by the start's name. An untrained
            network is looked at at the first alone.
        serves: Names of the starts that the budget pays for; others may only teach.
            None: all.
        networks: Of starts that are open already, by the start's name: of a network
            of ours that would be trained, at another width than its config's.
        budget_images: Of the pool, how many are looked at, at random; None: all.
        pool: Features of the pool that are there already, by the best start at its
            largest side; they are compared with its own.
        studies: Past ones, by which gains are predicted; None: those of the package.
        seed: Of draws.
        out: Folder that receives the diagnosis and the features; what was interrupted
            there is gone on with. None: all stays in memory.
        share: Folder that keeps the pool's features instead, so that other targets have
            them, too.
        overwrite: Replace a diagnosis of other inputs.
        device: See `pick_device`.
        workers: Processes that read images; None: by the number of cores.
        log: Takes lines on the work.
        help: Has other processes help with the pool's features, see `Steps.help`.

    Raises:
        UserError: No start, one that cannot be opened, a pool without images, a target
            that cannot be divided, or a folder of other work.
    """
    checks.whole("budget_images", budget_images, none=True)
    checks.seed(seed)
    checks.function("log", log)
    checks.path_like("out", out, none=True)
    starts = check_starts(starts)
    if not starts:
        raise UnknownName(
            f"{option('starts')} names no network to look at the images by"
        )
    looks = {one.name: _sides_of(one, sides) for one in starts}
    if not inspected.pool_ids:
        raise NoImages(f"the pool, {inspected.pool_root}, has no image to train on")
    opened = networks or {}
    networks = {one.name: opened.get(one.name) or one.open(seed) for one in starts}
    studies = shipped() if studies is None else studies
    if isinstance(pool, str | os.PathLike):
        pool = FeatureStore.open(pool)
    work = Work(
        "diagnosis",
        VERSION,
        {
            **_described(inspected, starts, networks, looks, seed),
            "serves": None if serves is None else sorted(serves),
            "budget_images": budget_images,
            "pool_features": pool and fingerprint(pool),
            "studies": studies.to_dict(),
        },
        (DIAGNOSIS, f"{FEATURES}/"),
        WHAT,
    )
    given = networks, looks, serves, budget_images, pool, studies, seed

    def solve(folder: Path | None) -> Diagnosis:
        kept = None if share is None else Path(share)
        stores = Stores(inspected, folder, device, workers, log, kept, help)
        return _solve(stores, starts, *given, work.inputs)

    if out is None:
        checks.unused(f"with {option('out')}", overwrite=overwrite)
        return solve(None)
    state = work.state(out, overwrite)
    if state is State.COMPLETE:
        log(f"{out} holds this diagnosis: read again")
        known = Diagnosis.open(Path(out))
        if share is not None and known.pool is None:
            best = known.best.start, known.best.at[-1].side
            ids = drawn(inspected.pool_ids, budget_images, seed)
            known = dataclasses.replace(known, pool=shared_pool(share, *best, ids))
        return known
    if state is State.REPLACE:
        work.clear(out)
    with work.growing(out) as growing:
        found = solve(Path(out, FEATURES))
        found.write(Path(out))
        growing.finish()
    return found


def _solve(
    stores: Stores,
    starts: Sequence[Start],
    networks: Mapping[str, Network],
    looks: Mapping[str, Sequence[int]],
    serves: Collection[str] | None,
    images: int | None,
    pool: FeatureStore | None,
    studies: PastStudies,
    seed: int,
    inputs: Mapping[str, Any],
) -> Diagnosis:
    clock, measured, log = Clock(), [], stores.log
    trains: dict[str, FeatureStore] = {}
    for start in starts:
        network, at = networks[start.name], []
        for side in looks[start.name]:
            log(f"{start.name} on the target's training images at {side} px")
            with clock.part("starts"):
                runner = stores.runner(network, side)
                try:
                    runner.probe_dim()
                except UserError as error:
                    raise error.retold(f"start {start.name}: {error}") from error
                store = stores.train(start, runner)
                labelled = stores.labelled(store)
                with clock.part("judging"):
                    judged = judge_features(labelled)  # the arms' own folds
                rank = effective_rank(labelled.x)
                at.append(AtSide(side, judged, rank, network.cost(shape=side).macs))
            trains[start.name] = store
        params = network.cost(shape=looks[start.name][0]).params
        mine = serves is None or start.name in serves
        measured.append(Measured(start, at, params, mine))
    best = best_of(measured)
    train, side = trains[best.start.name], best.at[-1].side
    skip = None
    if pool is None:
        log(f"{best.start.name} on the pool at {side} px")
        with clock.part("pool"):
            runner = stores.runner(networks[best.start.name], side)
            pool = stores.pool(best.start, runner, images, seed)
    else:
        check_same_extractor(pool, train)
        skip = rows_not_in(pool, stores.found)
    log("pool and target compared")
    with clock.part("likeness"):
        like = likeness(
            pool,
            train,
            skip=skip,
            images=len(stores.found.pool_ids),
            seed=seed,
            device=stores.device,
        )
    said = recommend(measured, like, studies, stores.found.kind)
    return Diagnosis(measured, like, said, inputs, clock.seconds(), pool, train)


def _sides_of(start: Start, sides: Sides) -> list[int]:
    if isinstance(sides, Mapping):
        if start.name not in sides:
            raise BadValue(f"{option('sides')} names none for start {start.name}")
        sides = sides[start.name]
    checks.listed("sides", sides, "sides of images, in pixels")
    if not sides:
        raise BadValue(f"{option('sides')} names no side of images, in pixels")
    for side in sides:
        checks.whole("sides", side)
    larger = [side for side in sorted(set(sides)) if side > sides[0]]
    return [sides[0], *(larger if start.trained else [])]


def _described(
    inspected: Inspected,
    starts: Sequence[Start],
    networks: Mapping[str, Network],
    looks: Mapping[str, Sequence[int]],
    seed: int,
) -> dict[str, Any]:
    train = inspected.train
    labels = ("\t".join(names) for names in train.labels)
    return {
        "pool": {
            "root": str(inspected.pool_root),
            "images": len(inspected.pool_ids),
            "ids_sha256": lines_sha256(inspected.pool_ids),
        },
        "target": {
            "kind": inspected.kind,
            "root": str(train.root),
            "images": len(train),
            "ids_sha256": lines_sha256(train.image_ids),
            "labels_sha256": lines_sha256(labels),
        },
        "starts": [
            {
                "name": one.name,
                "start": one.text,
                "weights_sha256": networks[one.name].weights_sha256,
                "params": networks[one.name].cost(shape=looks[one.name][0]).params,
                "sides": [*looks[one.name]],
            }
            for one in starts
        ],
        "seed": seed,
    }
