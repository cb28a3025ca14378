"""What every part of the package uses."""


def register_all_modules(init_default_scope: bool = True) -> None:
    """Registers everything of mmtaskssl; ``mmengine.hub`` calls it by this name.

    Args:
        init_default_scope: Also let "mmtaskssl" be the scope where names are looked up.
    """
    # Late, so that the errors and paths of this package import nothing.
    from mmengine.registry import Registry
    from mmengine.registry import init_default_scope as set_default_scope

    from mmtaskssl import registry

    for found in vars(registry).values():
        if isinstance(found, Registry) and found.scope == "mmtaskssl":
            found.import_from_location()
    if init_default_scope:
        set_default_scope("mmtaskssl")
