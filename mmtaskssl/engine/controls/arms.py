"""What each control run is: a complete config, and what it differs in."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.config import Config

from ...config import load_config
from ...config.held_out import length_of
from ...config.selecting import (
    held_out_of,
    is_edited,
    pool_of,
    selection_of,
    without_selection,
)
from ...datasets.selected import check_known, read_selection
from ...registry import DATASETS
from ...utils.errors import option
from ...utils.families import OptionConflict, UnknownName
from ...utils.hashing import lines_sha256
from ...utils.redaction import redacted
from .kinds import KINDS, RUN

_RANDOM = "random"


@dataclasses.dataclass(frozen=True, eq=False)
class Arm:
    """One of the runs that are compared.

    Attributes:
        name: A key of `KINDS`, or "run".
        config: Complete; its work dir and its seed are given with it.
        iterations: Steps of it.
        images: Different images that train it; 0 without a step.
        ids: Of the images that train it; None: the config says which.
        pool: Ids of all images, of which the seed draws some; None: it draws none.
        drawn: How many it draws; those that are held out are among them.
        known: Hash of the ids of all images that it may train on.
        before: Another arm, whose end it begins with.
        recalibrated: Its batch norms are re-estimated on the pool.
        seeded: Whether the seed makes a difference to it.
    """

    name: str
    config: Config = dataclasses.field(repr=False)
    iterations: int
    images: int
    ids: Sequence[str] | None = dataclasses.field(default=None, repr=False)
    pool: Sequence[str] | None = dataclasses.field(default=None, repr=False)
    drawn: int = 0
    known: str = ""
    before: "Arm | None" = dataclasses.field(default=None, repr=False)
    recalibrated: bool = False
    seeded: bool = True

    @property
    def what(self) -> str:
        """What it is, in words."""
        return "the run itself" if self.name == RUN else KINDS[self.name]

    @property
    def images_seen(self) -> int:
        """Images in all of its steps, those of an arm before it included."""
        batch = self.config.train_dataloader.get("batch_size") or 0
        before = self.before.images_seen if self.before else 0
        return before + self.iterations * batch

    def arguments(self, seed: int) -> dict[str, Any]:
        """Returns what `pretrain` is given beside the work dir.

        Args:
            seed: Of the run.
        """
        given: dict[str, Any] = {"config": self.config, "seed": seed}
        if not self.iterations:
            given["iters"] = 0
        if self.ids is not None:
            given["selection"] = list(self.ids)
        if self.pool is not None:
            given["selection"] = random_images(self.pool, self.drawn, seed)
        return given

    def to_dict(self) -> dict[str, Any]:
        """Returns what it is, JSON-ready."""
        return {
            "name": self.name,
            "what": self.what,
            "iterations": self.iterations,
            "images": self.images,
            "images_seen": self.images_seen,
            "sha256": fingerprint(self),
            "before": self.before and self.before.to_dict(),
            "recalibrated": self.recalibrated,
        }


def fingerprint(arm: Arm) -> str:
    """Returns a hash of all that an arm depends on but the seed."""
    before = "" if arm.before is None else fingerprint(arm.before)
    config = redacted(repr(arm.config.to_dict()))  # whoever signed its addresses
    return lines_sha256([config, before, str(arm.iterations), arm.known])


def random_images(pool: Sequence[str], count: int, seed: int) -> list[str]:
    """Draws images; with one seed fewer of them are a prefix of more.

    Args:
        pool: Ids of all.
        count: How many.
        seed: Of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(pool))
    return [pool[row] for row in order[:count]]


def make_arms(
    cfg: Config,
    kinds: Sequence[str] | None,
    public: str | None,
    chosen: Sequence[str] | None,
) -> tuple[Arm, list[Arm], dict[str, str]]:
    """Returns the run, its controls, and why the others are none.

    Args:
        cfg: Of the run, complete.
        kinds: Of `KINDS`; None: all that say something about this run.
        public: Weights of the arms that begin with public ones; None: those that the
            run begins with, unless it begins with random ones.
        chosen: Ids of the images that the run trains on; None: as the config says.

    Raises:
        UserError: An unknown kind, or one that is asked for by name and cannot be.
    """
    for kind in kinds or ():
        if kind not in KINDS:
            raise UnknownName(
                f"no control is called {kind!r}; one of: {', '.join(KINDS)}"
            )
    maker = _Maker(cfg, public, chosen)
    arms, left = [], {}
    for kind in KINDS if kinds is None else dict.fromkeys(kinds):
        try:
            arms.append(maker.make(kind))
        except _NoControl as error:
            if kinds is not None:
                raise OptionConflict(f"there is no control {kind!r}: {error}") from None
            left[kind] = str(error)
    return maker.run, arms, left


class _NoControl(Exception):
    """A kind that says nothing about a run."""


class _Maker:
    def __init__(
        self, cfg: Config, public: str | None, chosen: Sequence[str] | None
    ) -> None:
        self.cfg = cfg
        self.by_epoch, self.length = length_of(cfg)
        self.start = start_of(cfg)
        self.public = public or (None if self.start == _RANDOM else self.start)
        file = selection_of(cfg)
        self.ids = chosen
        if chosen is None and file is not None:
            chosen = read_selection(file, is_edited(cfg))
        self.chosen = None if chosen is None else {*chosen}
        self.whole = without_selection(cfg)
        self.pool = list(dict.fromkeys(DATASETS.build(pool_of(cfg)).image_ids))
        check_known(sorted(self.chosen or ()), {*self.pool}, str(file or "given"))
        self.held = held_out_of(cfg)
        count = len(self.pool if self.chosen is None else self.chosen) - self.held
        self.run = self._arm(RUN, cfg, self._steps(cfg, count), count)

    def _steps(self, cfg: Config, count: int) -> int:
        if not self.by_epoch:
            return length_of(cfg)[1]
        return length_of(cfg)[1] * -(-count // cfg.train_dataloader.batch_size)

    def make(self, kind: str) -> Arm:
        """Returns the arm of a kind."""
        return getattr(self, "_" + kind.replace("-", "_"))(kind)

    def _arm(self, name: str, cfg: Config, steps: int, images: int) -> Arm:
        """Returns an arm with the run's own images."""
        known = lines_sha256(sorted(self.chosen or self.pool))
        return Arm(name, cfg, steps, images, ids=self.ids, known=known)

    def _from_pool(self, name: str, cfg: Config, steps: int) -> Arm:
        """Returns an arm with all images."""
        count = len(self.pool) - self.held
        return Arm(name, cfg, steps, count, known=lines_sha256(sorted(self.pool)))

    def _untrained(self, kind: str) -> Arm:
        return Arm(kind, _started(self.cfg, _RANDOM), 0, 0)

    def _public_as_is(self, kind: str) -> Arm:
        return Arm(kind, _started(self.cfg, self._public_weights()), 0, 0, seeded=False)

    def _public_bn(self, kind: str) -> Arm:
        arm = self._public_as_is(kind)
        return dataclasses.replace(arm, recalibrated=True)

    def _random_weights(self, kind: str) -> Arm:
        if self.start == _RANDOM:
            raise _NoControl("the run itself begins with random weights")
        if _learns_from_start(self.cfg):
            raise _NoControl(
                "the run learns from its own start: a random one has nothing to say"
            )
        return self._like_run(kind, _started(self.cfg, _RANDOM))

    def _public(self, kind: str) -> Arm:
        weights = self._public_weights()
        if weights == self.start:
            raise _NoControl("the run itself begins with the public weights")
        return self._like_run(kind, _started(self.cfg, weights))

    def _random_images(self, kind: str) -> Arm:
        chosen = self._needs_selection()
        arm = self._like_run(kind, self.whole)
        known = lines_sha256(sorted(self.pool))
        return dataclasses.replace(
            arm, ids=None, pool=self.pool, drawn=len(chosen), known=known
        )

    def _generic(self, kind: str) -> Arm:
        self._needs_selection()
        self._needs_iterations()
        return self._from_pool(kind, self.whole, self.length)

    def _continued_generic(self, kind: str) -> Arm:
        self._needs_selection()
        self._needs_iterations()
        first = self.length // 2
        if not first:
            raise _NoControl("a single iteration has no halves")
        whole = load_config(self.whole, {"max_iters": first})
        before = self._from_pool("generic", whole, first)
        rest = self.length - first
        cfg = load_config(self.cfg, {"max_iters": rest})
        arm = self._arm(kind, cfg, rest, self.run.images)
        return dataclasses.replace(arm, before=before)

    def _like_run(self, kind: str, cfg: Config) -> Arm:
        return self._arm(kind, cfg, self.run.iterations, self.run.images)

    def _public_weights(self) -> str:
        if self.public is None:
            raise _NoControl(f"no public weights are named ({option('public')})")
        return self.public

    def _needs_selection(self) -> set[str]:
        if self.chosen is None:
            raise _NoControl("the run itself trains on all images of its pool")
        return self.chosen

    def _needs_iterations(self) -> None:
        if self.by_epoch:
            raise _NoControl(
                "the run counts epochs, and one of the whole pool is longer: use a "
                "config that counts iterations"
            )


def start_of(cfg: Config) -> str:
    """Returns what a training begins with: weights, or "random".

    Args:
        cfg: Complete.
    """
    return str(cfg.get("weights") or cfg.get("load_from") or _RANDOM)


def _started(cfg: Config, weights: str) -> Config:
    """Returns a config that begins with other weights."""
    cfg = copy.deepcopy(cfg)
    cfg.load_from, cfg.weights = None, weights
    return cfg


def _learns_from_start(cfg: Config) -> bool:
    """Whether a teacher is what the training begins with."""
    asked = cfg.model.get("distill") or ()
    teachers = [
        part.get("teacher") or {}
        for part in (asked if isinstance(asked, list | tuple) else [asked])
    ]
    return any(str(t.get("type")).endswith("StartTeacher") for t in teachers)
