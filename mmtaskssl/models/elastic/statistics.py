"""Where a shared batch norm keeps the statistics of each calibrated sub-net."""

from torch import Tensor, nn


class SubnetStatistics(nn.Module):
    """Batch-norm statistics of calibrated sub-nets, saved with the checkpoint.

    One float tensor per sub-net, of shape (2, channels of all its norm layers in
    order): means, then variances. They are keys ``<prefix><sub-net name>`` of the state
    dict, and a state dict without any loads strictly. They are no buffers: averaged
    models and DDP walk buffers pairwise, and two copies of a network may have been
    calibrated for different sub-nets.
    """

    def __init__(self):
        super().__init__()
        self._table: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def names(self) -> list[str]:
        """Returns the names of the calibrated sub-nets."""
        return list(self._table)

    def get(self, name: str) -> Tensor | None:
        """Returns the statistics of a sub-net, None if it was not calibrated."""
        return self._table.get(name)

    def set(self, name: str, statistics: Tensor) -> None:
        """Stores the statistics of a sub-net, (2, channels)."""
        self._table[name] = statistics.detach()

    def clear(self) -> None:
        """Forgets all, because the weights are about to move."""
        self._table.clear()

    def _apply(self, fn, recurse=True):
        self._table = {name: fn(value) for name, value in self._table.items()}
        return super()._apply(fn, recurse)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, value in self._table.items():
            destination[prefix + name] = value

    def _load_from_state_dict(self, state_dict, prefix, *args):
        # The table becomes the checkpoint's: what was calibrated for other weights
        # must not survive.
        device = next(iter(self._table.values())).device if self._table else None
        self._table = {
            key[len(prefix) :]: value.detach().clone().to(device or value.device)
            for key, value in state_dict.items()
            if key.startswith(prefix)
        }
