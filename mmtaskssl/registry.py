"""Every registry of mmtaskssl, each a child of mmengine's.

A name registered here is written ``mmtaskssl.Name`` from any other scope. mmengine
imports this module by itself when it meets that prefix, and the ``locations`` below
when it looks a name up, so configs of mmdet, mmseg and mmengine need no
``custom_imports``. Only where mmcv has no compiled operators must they say
``custom_imports = dict(imports=["mmtaskssl"])``, unless ``tools/train.py`` runs them:
mmdet and mmseg look through their own modules first, which import ``mmcv.ops``.
"""

import copy
from collections.abc import Mapping
from typing import Any

from mmengine import registry as _root
from mmengine.registry import Registry

_SCOPE = "mmtaskssl"


class _OwnFirst(Registry):
    """Finds a name of its own whatever default scope is set.

    A host's runner leaves its scope behind for the rest of the process, and mmengine
    would look there, and in what it descends from, alone.
    """

    def build(self, cfg: Any, *args: Any, **kwargs: Any) -> Any:
        """Builds the object that a config describes.

        Args:
            cfg: What to build. A bare `type` that is registered here is meant.
            args: See `mmengine.registry.Registry.build`.
            kwargs: Likewise.

        Returns:
            The object.

        Raises:
            KeyError: If no such name is registered.
        """
        kind = cfg.get("type") if isinstance(cfg, Mapping) else None
        if isinstance(kind, str) and "." not in kind and "_scope_" not in cfg:
            self.import_from_location()
            if kind in self.module_dict:
                cfg = copy.copy(cfg)
                cfg["type"] = f"{_SCOPE}.{kind}"
        return super().build(cfg, *args, **kwargs)


def _child(name: str, parent: Registry, *locations: str) -> Registry:
    return _OwnFirst(name, parent=parent, scope=_SCOPE, locations=list(locations))


_MODELS = "mmtaskssl.models"
_DATASETS = "mmtaskssl.datasets"
_CLUSTERING = "mmtaskssl.clustering"
_ENGINE = "mmtaskssl.engine"
_EVALUATION = "mmtaskssl.evaluation"

MODELS = _child(
    "model",
    _root.MODELS,
    _MODELS,
    "mmtaskssl.networks.teacher",
    "mmtaskssl.features.store_teacher",
)
MODEL_WRAPPERS = _child("model_wrapper", _root.MODEL_WRAPPERS, _MODELS)
WEIGHT_INITIALIZERS = _child(
    "weight initializer", _root.WEIGHT_INITIALIZERS, "mmtaskssl.transfer"
)
DATASETS = _child("dataset", _root.DATASETS, _DATASETS, f"{_CLUSTERING}.images")
DATA_SAMPLERS = _child("data sampler", _root.DATA_SAMPLERS, f"{_CLUSTERING}.batches")
TRANSFORMS = _child("transform", _root.TRANSFORMS, _DATASETS)
FUNCTIONS = _child("function", _root.FUNCTIONS, _DATASETS)
HOOKS = _child("hook", _root.HOOKS, _ENGINE)
LOOPS = _child("loop", _root.LOOPS, _ENGINE)
STRATEGIES = _child("strategy", _root.STRATEGIES, _ENGINE)
RUNNERS = _child("runner", _root.RUNNERS, _ENGINE)
RUNNER_CONSTRUCTORS = _child("runner constructor", _root.RUNNER_CONSTRUCTORS, _ENGINE)
OPTIMIZERS = _child("optimizer", _root.OPTIMIZERS, _ENGINE)
OPTIM_WRAPPERS = _child("optim_wrapper", _root.OPTIM_WRAPPERS, _ENGINE)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    "optimizer wrapper constructor", _root.OPTIM_WRAPPER_CONSTRUCTORS, _ENGINE
)
PARAM_SCHEDULERS = _child("parameter scheduler", _root.PARAM_SCHEDULERS, _ENGINE)
LOG_PROCESSORS = _child("log processor", _root.LOG_PROCESSORS, _ENGINE)
METRICS = _child("metric", _root.METRICS, _EVALUATION)
EVALUATOR = _child("evaluator", _root.EVALUATOR, _EVALUATION)
TASK_UTILS = _child("task util", _root.TASK_UTILS, _MODELS)
VISUALIZERS = _child("visualizer", _root.VISUALIZERS, _ENGINE)
VISBACKENDS = _child("vis_backend", _root.VISBACKENDS, _ENGINE)
INFERENCERS = _child("inferencer", _root.INFERENCERS, _ENGINE)
SUBNET_SAMPLERS = Registry(
    "subnet sampler", scope=_SCOPE, locations=["mmtaskssl.subnets"]
)
SEARCH_SCORES = Registry(
    "search score", scope=_SCOPE, locations=["mmtaskssl.search.scores"]
)
