"""The config of a training, as it is logged, dumped and kept in checkpoints."""

from mmengine.config import Config

from ..utils.redaction import redacted, redacted_value


class ShownConfig(Config):
    """A config whose text holds no secrets; its values are what they were.

    mmengine writes a config's text into the log, the work dir, the visualizer's folder
    and every checkpoint, and hands its dictionary to services that track trainings.
    What is dumped can be trained again once passwords and signed addresses are given
    anew.
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

    def to_dict(self, keep_imported: bool = False) -> dict:
        """Returns what is shown as a dictionary, see `redacted_value`.

        Args:
            keep_imported: See `Config`.
        """
        return redacted_value(super().to_dict(keep_imported))

    @property
    def pretty_text(self) -> str:
        """The text of the config, see `redacted`."""
        return redacted(super().pretty_text)
