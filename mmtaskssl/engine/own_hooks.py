"""mmengine's hooks, by the names that configs know them by, and what replaces them."""

from mmengine.hooks import CheckpointHook, EarlyStoppingHook

OWN_HOOKS = {
    **dict.fromkeys(
        ("CheckpointHook", "mmengine.CheckpointHook", CheckpointHook),
        "mmtaskssl.CheckpointHook",
    ),
    **dict.fromkeys(
        ("EarlyStoppingHook", "mmengine.EarlyStoppingHook", EarlyStoppingHook),
        "mmtaskssl.EarlyStoppingHook",
    ),
}
