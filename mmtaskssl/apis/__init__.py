"""Every verb as one function of values.

Importing this package imports none of the verbs, and no torch: each comes with its
first use.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clustering.cluster import cluster
    from ..clustering.clusters import Clusters
    from ..customize.customize import customize
    from ..customize.customized import Customized
    from ..customize.several import CustomizedTargets, customize_several
    from ..engine.controls.compared import ControlsCompared
    from ..engine.controls.controls import Controls, controls
    from ..engine.fine_tune import FineTuning
    from ..engine.line_search import LineSearch, line_search
    from ..engine.pretrain import pretrain
    from ..engine.pretrained import Pretrained
    from ..engine.step_memory import step_memory
    from ..evaluation.evaluate import evaluate
    from ..evaluation.evaluation import Evaluation
    from ..evaluation.paired import PairedDifference, paired_difference
    from ..evaluation.subnet_evaluation import SubnetEvaluation
    from ..evaluation.transfer import evaluate_transfer
    from ..evaluation.transfer_evaluation import TransferEvaluation
    from ..export.calibrate import calibrate
    from ..export.calibrated import Calibrated
    from ..export.export import export
    from ..export.exported import Export, Exports
    from ..features.extract import extract
    from ..features.importing import import_features
    from ..features.memory import MemoryStore
    from ..features.opening import open_runner
    from ..features.removing import remove_images
    from ..features.store import FeatureStore
    from ..networks import Network, open_network
    from ..networks.cost_list import CostList, list_costs
    from ..routing.result import Routing
    from ..routing.route import route
    from ..search.result import SearchResult
    from ..search.search import search
    from ..selection.approximate.build import build_index
    from ..selection.approximate.index import SearchIndex
    from ..selection.duplicates.deduplicate import deduplicate
    from ..selection.duplicates.deduplicated import Deduplicated
    from ..selection.select import select
    from ..selection.selected import Selected
    from ..selection.taking.take import Taken, take
    from ..specialists.branch import branch
    from ..specialists.routed import SpecialistRouting
    from ..specialists.specialists import Specialists
    from ..subnets import Latency, measure_latency

# Where each public name lives.
_HOMES = {
    "Calibrated": "..export.calibrated",
    "Clusters": "..clustering.clusters",
    "Controls": "..engine.controls.controls",
    "ControlsCompared": "..engine.controls.compared",
    "CostList": "..networks.cost_list",
    "Customized": "..customize.customized",
    "CustomizedTargets": "..customize.several",
    "Deduplicated": "..selection.duplicates.deduplicated",
    "Evaluation": "..evaluation.evaluation",
    "Export": "..export.exported",
    "Exports": "..export.exported",
    "FeatureStore": "..features.store",
    "FineTuning": "..engine.fine_tune",
    "Latency": "..subnets",
    "LineSearch": "..engine.line_search",
    "MemoryStore": "..features.memory",
    "Network": "..networks",
    "PairedDifference": "..evaluation.paired",
    "Pretrained": "..engine.pretrained",
    "Routing": "..routing.result",
    "SearchIndex": "..selection.approximate.index",
    "SearchResult": "..search.result",
    "Selected": "..selection.selected",
    "SpecialistRouting": "..specialists.routed",
    "Specialists": "..specialists.specialists",
    "SubnetEvaluation": "..evaluation.subnet_evaluation",
    "Taken": "..selection.taking.take",
    "TransferEvaluation": "..evaluation.transfer_evaluation",
    "branch": "..specialists.branch",
    "build_index": "..selection.approximate.build",
    "calibrate": "..export.calibrate",
    "cluster": "..clustering.cluster",
    "controls": "..engine.controls.controls",
    "customize": "..customize.customize",
    "customize_several": "..customize.several",
    "deduplicate": "..selection.duplicates.deduplicate",
    "evaluate": "..evaluation.evaluate",
    "evaluate_transfer": "..evaluation.transfer",
    "export": "..export.export",
    "extract": "..features.extract",
    "import_features": "..features.importing",
    "line_search": "..engine.line_search",
    "list_costs": "..networks.cost_list",
    "measure_latency": "..subnets",
    "open_network": "..networks",
    "open_runner": "..features.opening",
    "paired_difference": "..evaluation.paired",
    "pretrain": "..engine.pretrain",
    "remove_images": "..features.removing",
    "route": "..routing.route",
    "search": "..search.search",
    "select": "..selection.select",
    "step_memory": "..engine.step_memory",
    "take": "..selection.taking.take",
}

__all__ = [
    "Calibrated",
    "Clusters",
    "Controls",
    "ControlsCompared",
    "CostList",
    "Customized",
    "CustomizedTargets",
    "Deduplicated",
    "Evaluation",
    "Export",
    "Exports",
    "FeatureStore",
    "FineTuning",
    "Latency",
    "LineSearch",
    "MemoryStore",
    "Network",
    "PairedDifference",
    "Pretrained",
    "Routing",
    "SearchIndex",
    "SearchResult",
    "Selected",
    "SpecialistRouting",
    "Specialists",
    "SubnetEvaluation",
    "Taken",
    "TransferEvaluation",
    "branch",
    "build_index",
    "calibrate",
    "cluster",
    "controls",
    "customize",
    "customize_several",
    "deduplicate",
    "evaluate",
    "evaluate_transfer",
    "export",
    "extract",
    "import_features",
    "line_search",
    "list_costs",
    "measure_latency",
    "open_network",
    "open_runner",
    "paired_difference",
    "pretrain",
    "remove_images",
    "route",
    "search",
    "select",
    "step_memory",
    "take",
]


if not TYPE_CHECKING:  # which knows the names above, and no others

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
