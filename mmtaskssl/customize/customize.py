"""From a pool, a target and a budget to the backbone to use, with the proof."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..models.backbones.packaged import SMALLEST, packaged_weights
from ..report.thumbs import showing, shows
from ..runs import Growing, State, as_read
from ..utils import checks
from ..utils.atomic import write_text
from ..utils.devices import AUTO
from ..utils.errors import option
from ..utils.families import OptionConflict, OutTaken
from .campaign import Campaign
from .customized import PAGE, Customized
from .handover.hand_over import hand_over
from .handover.handed import Handed
from .handover.host_config import CONFIG
from .handover.model_card import CARD, model_card
from .handover.page import page
from .images import SELECTION
from .inspection.inspected import DENSE
from .order import BUDGETS, Order, PathLike
from .planning import make_plan
from .race.answer import Answer
from .race.launched import LAUNCHERS
from .race.trainings import slug
from .record import make_record, plan_record
from .settings import OF_AN_ANSWER, Settings

_ONCE = " (one fine-tuning each, whatever the seeds)"


def customize(
    pool: Any,
    target: PathLike,
    out: PathLike,
    *,
    test: PathLike | None = None,
    task: str = "auto",
    budget: str | Sequence[str] | None = None,
    time: str | float | None = None,
    start: Sequence[Any] = (),
    recipe: PathLike | None = None,
    select: int | None = None,
    scale: float = 1.0,
    seeds: int = 1,
    seed: int = 0,
    void: int | None = None,
    arms: Sequence[str] | None = None,
    fine_tune: int | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    launcher: str = "none",
    jobs: Mapping[str, str] | None = None,
    share: PathLike | None = None,
    shared_ids: Sequence[str] | None = None,
    device: str = AUTO,
    workers: int | None = None,
    thumbnails: bool = True,
    log: Callable[[str], None] = lambda text: None,
) -> Customized:
    """Finds the backbone to use for a target, and proves it.

    Args:
        pool: Unlabelled images: a folder, a list, paths.
        target: Labelled images, see `inspect`.
        out: Holds everything; the same call goes on there.
        test: See `inspect`.
        task: See `inspect`.
        budget: What an image may cost at inference, such as ``30M-36M``, ``2ms-4ms`` or
            ``4M-5M:params``; or several, one answer each. None: the starts at the
            target's own resolution, and the config's own width.
        time: Of all trainings together, such as ``2h``.
        start: Trained weights at hand, see `Start.parse`.
        recipe: Config of a pre-training of ours, whose network is trained from scratch
            or taught; None: ten layers at 40 px.
        select: So many images of the pool; None: by the diagnosis.
        scale: Multiplies the length of every training.
        seeds: Trainings of what goes into the verdict.
        seed: Of everything that is drawn.
        void: Of masks, the index of pixels that are of no class, see `inspect`.
        arms: Names of those to race, of `ARMS`; "auto" among them, or None: all that
            say something here.
        fine_tune: Iterations of the detectors and segmentors that decide about such
            targets; None: their recipes'.
        dry_run: Stop after the plan.
        overwrite: Replace what an earlier call with other inputs left.
        launcher: How trainings are started: ``none``, ``pytorch``, ``slurm`` or
            ``submitit``, see `make_steps`.
        jobs: Settings of the launcher's jobs, see `make_steps`.
        share: Folder that keeps the pool's features and generic trainings, so that
            other targets have them, too; None: those of this target are kept with it.
        shared_ids: Images of the pool that all these targets may train on; None: no
            training is shared.
        device: Of features, see `pick_device`.
        workers: See `open_runner`.
        thumbnails: Whether pages show images, and their names beneath them; a finished
            page that differs in this is written again.
        log: Takes lines on the progress.

    Raises:
        UserError: Images, options or a folder that cannot be used, or a stage that
            failed; what was done before stays.
    """
    checks.flag("dry_run", dry_run)
    checks.flag("overwrite", overwrite)
    checks.flag("thumbnails", thumbnails)
    checks.function("log", log)
    checks.one_of("launcher", launcher, LAUNCHERS)
    order = Order.read(
        *(pool, target, out),
        test=test,
        task=task,
        budget=budget,
        time=time,
        start=start,
        recipe=recipe,
        select=select,
        scale=scale,
        seeds=seeds,
        seed=seed,
        void=void,
        arms=arms,
        fine_tune=fine_tune,
    )
    out, settings = order.out, order.settings
    shared = None if share is None else Path(share).expanduser()
    if overwrite and dry_run and out.is_dir():
        raise OptionConflict(
            f"a plan replaces nothing: name another folder than {out}, or leave out "
            + option("overwrite")
        )
    if overwrite:
        with order.replacing(log) as replace:
            replace()
    state, known = order.state(), order.known()
    if known is not None:
        order.check_same()
        settings = _as_known(settings, known)
        before, dense = known.record["inputs"]["seeds"], known.record["inspection"]
        pages = (out / PAGE, out / SELECTION / PAGE)
        fits = dry_run or all(shows(one, thumbnails) for one in pages)
        if state is State.COMPLETE and known.has_backbones() and fits:
            once = dense["kind"] in DENSE
            if dry_run or once or before == settings.seeds:
                log(
                    f"{out} is complete already, from the same inputs: nothing to do"
                    + (_ONCE if once and before != settings.seeds else "")
                )
                return known
        else:
            log(f"{out} lacks some of what was asked for: it is made again")
        if before < settings.seeds:
            log(f"{out} has {before} of {settings.seeds} seeds: the others are added")
    with (
        order.work.growing(out, keep_results=known is not None) as growing,
        showing(thumbnails),
    ):
        found = order.inspected(log)
        log(found.table())
        if not settings.starts and packaged_weights(*SMALLEST.split(":")):
            log(
                f"no public weights are named, and those of {SMALLEST} are installed: "
                f"{option('start')} {SMALLEST} takes them"
            )
        campaign = Campaign(
            *(
                found,
                out,
                settings,
                device,
                workers,
                log,
                launcher,
                dict(jobs or {}),
                shared,
                shared_ids,
            )
        )
        campaign.fits.check()
        with campaign.stage("diagnose"):
            log(campaign.diagnosis.table())
        with campaign.stage("select images"):
            selection = campaign.select()
        if dry_run:
            plan = make_plan(campaign, selection)
            log(plan.table())
            return Customized(out, as_read(plan_record(campaign, plan)))
        answers = []
        try:
            for one in settings.budgets:
                with campaign.stage(f"arms{f' of {one}' if one else ''}"):
                    answers.append(campaign.answer(one, selection))
        except KeyboardInterrupt:
            log("interrupted: the same call goes on, each training from its last step")
            raise
        growing.forget()
        handed = Handed(out, log)
        with campaign.stage("hand over"):
            backbones = [
                hand_over(one, _place(growing, one, answers), handed, log)
                for one in answers
            ]
        record = make_record(campaign, answers, backbones)
        write_text(out / PAGE, page(record, campaign.sections()))
        handed.make_way(CARD)
        model_card(record, out)
        handed.wrote(CARD)
        growing.finish(as_read(record))
    return Customized.open(out)


def _as_known(settings: Settings, known: Customized) -> Settings:
    """Returns settings that go with what an earlier call has found.

    Raises:
        UserError: They contradict it.
    """
    out, inputs = known.out, known.record["inputs"]
    if settings.seconds is None:  # what was said once need not be said again
        settings = dataclasses.replace(settings, seconds=inputs["seconds"])
    for name, flag in OF_AN_ANSWER.items():
        if (had := inputs[name]) != getattr(settings, name):
            told = "none" if had is None else checks.shown(had)
            told += " s" if name == "seconds" and had is not None else ""
            raise OutTaken(
                f"{out} was made with another {option(flag)} ({told}): name another "
                f"folder, or replace it with {option('overwrite')}"
            )
    before = inputs["seeds"]
    if before > settings.seeds and known.record["inspection"]["kind"] not in DENSE:
        raise OutTaken(
            f"{out} was made with {before} {option('seeds')}: more of them can be "
            "added to it, none taken away"
        )
    return settings


def _place(growing: Growing, answer: Answer, answers: Sequence[Answer]) -> Path:
    """Returns where a budget's backbone goes: of several, each to its own folder."""
    if len(answers) == 1:
        return growing.path
    name = f"{BUDGETS}/{slug(answer.race.case.budget)}"
    growing.claim(f"{name}/{CONFIG}")
    place = growing.path / name
    place.mkdir(parents=True, exist_ok=True)
    return place
