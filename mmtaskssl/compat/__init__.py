"""The doors through three known walls of the OpenMMLab stack."""


def install() -> None:
    """Opens every door that this environment needs; silent when none is."""
