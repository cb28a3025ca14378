"""Scores paths on a task and picks one."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..clustering.clusters import Clusters
from ..evaluation.logme import logme
from ..models.backbones import ElasticResNet
from ..subnets import Subnet
from ..utils.clock import Clock
from ..utils.errors import option
from ..utils.families import BadValue, OptionMissing, UnknownName
from .candidate import Candidate
from .checks import check_routed
from .choice import choose
from .conclusions import conclusions, regret_of
from .extracted import PathFeatures, ProgressFactory
from .likeness import Likeness
from .names import BEAM, ROUTERS, SHORTLIST, TIES
from .probes import Evidence, inner_folds, probe_features
from .result import Routing
from .routers import beam, shortlist
from .soft import soft_choices
from .task import Task


class Router:
    """Finds the path of a routed network that suits a task.

    Args:
        backbone: In evaluation mode, all paths calibrated.
        task: Training images of the task.
        clusters: What the paths were trained on; needed by the routers "shortlist"
            and "overlap", and for the overlap of candidates.
        router: "exhaustive" scores all paths; "shortlist" those whose clusters the
            task's images look like; "beam" goes from good paths to their neighbours;
            "overlap" needs no labels and scores nothing but the likeness.
        probe: See `probe_features`.
        seed: Of inner split, resamples and draws.
        batch_size: Most images at once.
        shortlist_size: Paths of the shortlist.
        beam_width: See `beam`.
        per_cluster: Pool images of each cluster that the overlap is measured with.
        on_tie: Who wins where a path is ahead of MAX by what may be chance, see
            `names.TIES`.
        progress: Makes, from a title and a total, a function told how many are done.

    Raises:
        UserError: The network is not routed or not calibrated, the clusters are of
            another network, or a router lacks its clusters.
    """

    def __init__(
        self,
        backbone: ElasticResNet,
        task: Task,
        clusters: Clusters | None = None,
        router: str = "exhaustive",
        probe: str = "knn",
        seed: int = 0,
        batch_size: int = 64,
        shortlist_size: int = SHORTLIST,
        beam_width: int = BEAM,
        per_cluster: int = 32,
        on_tie: str = "max",
        progress: ProgressFactory | None = None,
    ):
        if router not in ROUTERS:
            raise UnknownName(f"router {router!r} is none of {', '.join(ROUTERS)}")
        if on_tie not in TIES:
            raise UnknownName(f"on_tie {on_tie!r} is none of {', '.join(TIES)}")
        if min(batch_size, shortlist_size, beam_width) < 1:
            raise BadValue("batch size, shortlist and beam must be at least 1")
        check_routed(backbone)
        if clusters is not None:
            clusters.check_groups(backbone.arch.routes.groups)
        elif router in ("shortlist", "overlap"):
            raise OptionMissing(
                f"router {router} needs the clusters of the paths: name "
                f"{option('clusters')}"
            )
        self.task, self.clusters, self.space = task, clusters, backbone.space
        self.router, self.probe, self.seed = router, probe, seed
        self.shortlist_size, self.beam_width = shortlist_size, beam_width
        self.on_tie, self.progress = on_tie, progress
        self.paths = list(backbone.space)
        self.largest = backbone.space.max
        self.clock = Clock()
        self.features = PathFeatures(backbone, task, batch_size, self.clock, progress)
        self.likeness = None
        if clusters is not None:
            self.likeness = Likeness(
                self.features, clusters, self.paths, self.largest, per_cluster
            )

    def route(self) -> Routing:
        """Scores what the router looks at, and ranks it."""
        if self.router == "overlap":
            return self._route_by_overlap()
        # Before any forward: bad labels are told at once.
        inner_folds(self.task.y, self.seed)
        if self.router == "exhaustive":
            # The largest beside the paths: one reading of the images.
            self.features.add([self.largest, *self.paths])
        self.features.add([self.largest])
        prior = self._prior()
        looked = self._looked(prior)
        self.features.add(looked)
        candidates = [self.largest, *looked]
        evidence = self._evidence(candidates)
        best = self._choose(candidates, evidence, range(len(candidates)))
        ranking = self._rank(candidates, evidence, best, prior)
        regret = {}
        if self.router == "exhaustive":
            regret = self._regret(candidates, evidence, prior)
        ranked = [self.features[c.subnet] for c in ranking]
        soft = soft_choices(ranked, self._probe_features)
        notes = conclusions(ranking, self.largest, self.probe)
        return self._result(ranking, notes, regret, soft)

    def _prior(self) -> Tensor | None:
        """Returns (paths,) agreement of the task's images with each path's cluster."""
        return None if self.likeness is None else self.likeness.scores

    def _looked(self, prior: Tensor | None) -> Sequence[Subnet]:
        """Returns the paths that are scored."""
        if self.router == "exhaustive":
            return self.paths
        if self.router == "shortlist":
            return shortlist(self.paths, prior, self.shortlist_size)
        return beam(
            self.space,
            self._beam_start(prior),
            lambda paths: self._evidence(paths).scores.tolist(),
            self.beam_width,
        )

    def _beam_start(self, prior: Tensor | None) -> list[Subnet]:
        if prior is not None:
            return shortlist(self.paths, prior, self.beam_width)
        count = min(self.beam_width, len(self.paths))
        return self.space.sample_distinct(count, self.seed)

    def _evidence(self, subnets: Sequence[Subnet]) -> Evidence:
        return self._probe_features(self.features.of(subnets))

    def _probe_features(self, features: list[Tensor]) -> Evidence:
        with self.clock.part("probe"):
            return probe_features(
                features,
                self.task.y,
                len(self.task.class_names),
                self.probe,
                self.seed,
                progress=self.progress and self.progress("probe", len(features)),
            )

    def _choose(
        self, candidates: Sequence[Subnet], evidence: Evidence, places: Sequence[int]
    ) -> int:
        """Returns the winner; of paths of equal score the one of the highest LogME."""
        classes = len(self.task.class_names)

        def evidence_of(place: int) -> float:
            x = torch.nn.functional.normalize(self.features[candidates[place]], dim=1)
            return logme(x, self.task.y, classes)

        return choose(evidence, places, evidence_of, self.on_tie)

    def _rank(
        self,
        candidates: Sequence[Subnet],
        evidence: Evidence,
        best: int,
        prior: Tensor | None,
    ) -> list[Candidate]:
        order = sorted(
            range(len(candidates)), key=lambda i: (i != best, -evidence.scores[i])
        )
        place = {path: i for i, path in enumerate(self.paths)}
        found = []
        for i in order:
            own, margin = evidence.interval(i), evidence.margin(best, i)
            known = prior is not None and candidates[i] in place
            found.append(
                Candidate(
                    candidates[i],
                    *dataclasses.astuple(own),
                    *dataclasses.astuple(margin),
                    i != best and evidence.tied(best, i),
                    float(prior[place[candidates[i]]]) if known else None,
                )
            )
        return found

    def _regret(
        self, candidates: Sequence[Subnet], evidence: Evidence, prior: Tensor | None
    ) -> dict[str, dict[str, Any]]:
        """Replays the fast routers on the scores that are all known."""
        place = {subnet: i for i, subnet in enumerate(candidates)}
        scores = dict(zip(candidates, evidence.scores.tolist(), strict=True))
        start = self._beam_start(prior)
        looked = {
            "beam": beam(
                self.space,
                start,
                lambda some: [scores[p] for p in some],
                self.beam_width,
            )
        }
        if prior is not None:
            looked["shortlist"] = shortlist(self.paths, prior, self.shortlist_size)
        chosen = {}
        for router, some in looked.items():
            places = [0, *(place[path] for path in some)]
            winner = self._choose(candidates, evidence, places)
            chosen[router] = len(some), candidates[winner]
        if prior is not None:
            likest = shortlist(self.paths, prior, 1)[0]
            unclear = self.likeness.overlap.spans_the_pool
            chosen["overlap"] = 0, self.largest if unclear else likest
        return regret_of(scores, chosen)

    def _route_by_overlap(self) -> Routing:
        prior, overlap = self.likeness.scores, self.likeness.overlap
        evidence = Evidence(prior, values=self.likeness.agreement, seed=self.seed)
        ranking = self._rank(self.paths, evidence, int(prior.argmax()), prior)
        spread = overlap.effective_leaves
        notes = [
            f"the task's images are spread over {spread:.1f} of "
            f"{self.clusters.num_leaves} clusters (the exponential of the entropy)"
        ]
        if overlap.spans_the_pool:
            # MAX has no cluster, hence no score; it is put first by a rule.
            nothing = (float("nan"),) * 3
            largest = Candidate(self.largest, *nothing, *nothing, False)
            ranking = [largest, *ranking]
            notes.append(
                "that is more than half of them, so no path is the task's own: MAX"
            )
        else:
            tied = sum(c.tied for c in ranking)
            if tied:
                notes.append(f"{tied} other paths tie with the first")
        return self._result(ranking, notes)

    def _result(
        self,
        ranking: list[Candidate],
        notes: list[str],
        regret: dict[str, Any] | None = None,
        soft: list[dict[str, Any]] | None = None,
    ) -> Routing:
        return Routing(
            tuple(ranking),
            self.largest,
            tuple(notes),
            len(self.paths),
            regret or {},
            tuple(soft or ()),
            (self.features.stages[0], self.features.stages[1]),
            self.clock.seconds(2),
            self.router,
            None if self.router == "overlap" else self.probe,
            self.on_tie,
            self.seed,
            self.task,
            self.clusters,
        )
