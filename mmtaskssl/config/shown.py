"""The config of a training, as it is logged, dumped and kept in checkpoints."""

from mmengine.config import Config

from ..utils.redaction import redacted


class ShownConfig(Config):
    """A config whose text holds no secrets; its values are what they were.

    mmengine writes a config's text into the log, the work dir, the visualizer's folder
    and every checkpoint. What is dumped can be trained again once passwords and signed
    addresses are given anew.
    """

    @classmethod
    def of(cls, cfg: Config) -> "ShownConfig":
        """Returns a config with the values of another one, which it shares.

        Args:
            cfg: Any.
        """
        other = cls.__new__(cls)
        other.__dict__.update(cfg.__dict__)
        return other

    @property
    def pretty_text(self) -> str:
        """The text of the config, see `redacted`."""
        return redacted(super().pretty_text)
