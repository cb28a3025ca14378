"""The whole way from a network and images to a ranking of its sub-nets."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..datasets.images import ImagesLike
from ..networks import NetworkLike
from ..subnets import Subnet
from ..utils import checks
from ..utils.budgets import Budget
from ..utils.devices import AUTO
from ..utils.errors import option
from ..utils.families import BadBudget, BadValue, OptionMissing
from . import output
from .names import AUTO as AUTO_METRIC
from .names import METRIC_NAMES, STRATEGY_NAMES, TAUGHT_NAMES, TEACHER_BN
from .opening import PathLike, open_search
from .options import SearchOptions
from .result import SearchResult
from .session import Search
from .taught import TeacherLike

#: Candidates of a budget, unless a number is given.
CANDIDATES = 40


def search(
    network: NetworkLike,
    images: ImagesLike,
    budgets: str | Budget | Sequence[str | Budget] = (),
    *,
    subnets: Sequence[str | Subnet] = (),
    metrics: str | Sequence[str] = AUTO_METRIC,
    strategy: str = "random",
    candidates: int | None = None,
    shape: int | tuple[int, int] | None = None,
    num_images: int = 512,
    bn_images: int = 256,
    batch_size: int = 256,
    image_size: int | None = None,
    teacher: TeacherLike | None = None,
    teacher_bn: str = "images",
    seed: int = 0,
    root: PathLike | None = None,
    device: str = AUTO,
    cfg_options: Mapping[str, Any] | None = None,
    trust: bool = False,
    folder: PathLike | None = None,
    overwrite: bool = False,
) -> SearchResult:
    """Ranks sub-nets by how alike they and the largest one see a target's images.

    Without labels and without training (DATA, Chang et al., CVPR 2022, arXiv
    2203.09041, section 3.3). With several processes, to be called in each of them;
    they share the work and return the same.

    Args:
        network: A trained supernet; see `open_network`, as for ``cfg_options`` and
            ``trust``.
        images: The target's, unlabelled: a folder, a ``.txt``, ``.csv`` or ``.jsonl``
            list, paths, or a feature store or a selection, whose images are read.
        budgets: Bands of cost such as "3G-4G" (MACs), "5M-6M:params" or "2ms-4ms" (of
            one image); the low end is inside, the high end is not.
        subnets: Score these, too: sub-nets, or their names or anchors.
        metrics: "global" (embeddings, for classification), "dense" (affinities of
            positions, for detection and segmentation), "dense-raw", all published;
            "rank" (the effective rank of the features), "neighbours" (the share of
            each image's nearest others that ``teacher`` has, too), "ridge" (the share
            of the teacher's variance that a linear map of the features explains),
            "mean-rank" (the mean rank by "global" and these three); one or several,
            which cost little more; or "auto", the one of them that ranked best where
            it was tried and that can be computed here, see `choose_metrics`. The
            strategy "evolution" follows the first, "global" of a mean rank.
        strategy: Which candidates of a budget are scored: "random", "evolution" or
            "grid".
        candidates: How many of each budget; None: 40, of a grid all.
        shape: Side of the image that costs are counted for, or height and width, in
            pixels; None: the side that the network sees.
        num_images: How many images are drawn.
        bn_images: How many of them, in one batch, give batch norms their statistics.
        batch_size: Images at a time beyond those; changes no score.
        image_size: Side of the crop in pixels; None: the config's view size.
        teacher: Of "neighbours", "ridge" and "mean-rank": the network that the
            supernet was distilled from, or another good one, as `extract` takes it or
            ``NETWORK=FILE``; or a feature store with the images.
        teacher_bn: Statistics of the largest: from the "images", or as "stored".
        seed: Of candidates, images and intervals.
        root: Folder that listed paths are relative to.
        device: Where to compute; see `pick_device`.
        cfg_options: See above.
        trust: See above.
        folder: Keeps every score as it comes: the same call after an interruption goes
            on. None: everything stays in memory.
        overwrite: Replace a search in ``folder`` of other budgets or metrics, which
            keeps its scores, or one that depends on something else.

    Returns:
        The scores, ranked.

    Raises:
        UserError: Nothing was asked for, no candidate lies in a budget, network and
            checkpoint do not fit together, images are too few, or ``folder`` holds
            something else.
    """
    if isinstance(budgets, str | Budget):
        budgets = [budgets]
    if isinstance(subnets, str | Subnet):
        subnets = [subnets]
    if isinstance(metrics, str):
        metrics = [metrics]
    checks.listed("budgets", budgets, "bands such as 3G-4G, or one")
    checks.listed("subnets", subnets, "sub-nets")
    checks.listed("metrics", metrics, "names")
    if not metrics:
        raise BadValue(f"{option('metrics')} names none")
    for band in budgets:
        if not isinstance(band, str | Budget):
            raise BadBudget(
                f"{option('budgets', '--budget')} are bands of cost such as 3G-4G, not "
                + checks.shown(band)
            )
    for metric in metrics:
        checks.one_of("metrics", metric, (AUTO_METRIC, *METRIC_NAMES))
    asked = [metric for metric in metrics if metric in TAUGHT_NAMES]
    if asked and teacher is None:
        raise OptionMissing(
            f"{asked[0]} compares with another network: name it with "
            f"{option('teacher')}"
        )
    if not asked and AUTO_METRIC not in metrics:
        checks.unused(
            f"with {option('metrics')} {', '.join(TAUGHT_NAMES)} or {AUTO_METRIC}",
            teacher=teacher,
        )
    checks.one_of("strategy", strategy, STRATEGY_NAMES)
    checks.one_of("teacher_bn", teacher_bn, TEACHER_BN)
    checks.seed(seed)
    for name, number in (
        ("candidates", candidates),
        ("num_images", num_images),
        ("bn_images", bn_images),
        ("batch_size", batch_size),
        ("image_size", image_size),
    ):
        optional = name in ("candidates", "image_size")
        checks.whole(name, number, none=optional)
    checks.path_like("root", root, none=True)
    checks.path_like("folder", folder, none=True)
    checks.flag("trust", trust)
    checks.flag("overwrite", overwrite)
    if folder is None:
        checks.unused(f"with {option('folder', '--out')}", overwrite=overwrite)
    wanted = [b if isinstance(b, Budget) else Budget.parse(b) for b in budgets]
    wanted = [*dict.fromkeys(wanted)]  # of one that is named twice there is one ranking
    if not wanted and not subnets:
        raise OptionMissing(
            f"name {option('budgets', '--budget')} such as 3G-4G, or sub-nets with "
            f"{option('subnets', '--subnet')}"
        )
    if shape is not None:
        shape = checks.image_shape("shape", shape)
    options = SearchOptions(
        metrics=metrics,
        num_images=num_images,
        bn_images=bn_images,
        batch_size=batch_size,
        image_size=image_size,
        shape=shape,
        teacher=teacher,
        teacher_bn=teacher_bn,
        seed=seed,
        device=device,
        root=None if root is None else str(root),
        cfg_options=cfg_options,
        trust=trust,
    )
    if candidates is None and strategy != "grid":
        candidates = CANDIDATES
    opening = open_search(network, images, options, folder, overwrite, wanted)
    with opening as (session, place):
        named = [session.space.resolve(subnet) for subnet in subnets]
        for budget in wanted:
            session.check(budget)
        if named:
            session.score(named)
        for budget in wanted:
            session.run(budget, strategy, candidates, seed)
        opened = session.scorer.encoders.source
        origin = {
            "config": output.absolute(opened.name),
            "checkpoint": output.absolute(opened.checkpoint),
            "images": output.absolute(images)
            if isinstance(images, PathLike)
            else "IMAGES",
            "cfg_options": dict(cfg_options or {}),
            "calibration": {
                "num-images": session.scorer.bn_images,
                "batch-size": session.scorer.bn_images,
                "image-size": image_size,
                "seed": seed,
                "root": options.root and output.absolute(options.root),
            },
        }
        result = result_of(session, wanted, origin)
        if place is not None:
            result.finish(place)
    return result


def result_of(
    session: Search, budgets: Sequence[Budget], origin: Mapping[str, Any]
) -> SearchResult:
    """Returns what a search knows by now, which later scores do not change."""
    space = session.space
    return SearchResult(
        tuple(session.rows.values()),
        tuple(budgets),
        tuple(session.asked or session.metrics),
        {subnet.name: name for name, subnet in space.anchors.items()},
        dict(session.clock.known),
        session.identity,
        origin,
    )
