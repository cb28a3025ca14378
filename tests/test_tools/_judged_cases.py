"""All cases of ``_judged.py``."""

from ._judged_annotations import annotation_cases
from ._judged_configs import config_cases
from ._judged_faults import fault_cases
from ._judged_images import image_cases
from ._judged_places import place_cases
from ._judged_records import record_cases
from ._judged_weights import weight_cases

CASES = [
    *image_cases(),
    *weight_cases(),
    *config_cases(),
    *record_cases(),
    *place_cases(),
    *fault_cases(),
    *annotation_cases(),
]
