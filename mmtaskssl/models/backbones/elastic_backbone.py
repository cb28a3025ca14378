"""What every elastic backbone has: its sub-nets, their views, and their extraction."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...subnets import Cost, ListSpace, SearchSpace, Subnet
from ...utils.families import BadSubnet, Uncalibrated
from ..elastic import (
    NormView,
    SubnetStatistics,
    SwitchableBatchNorm2d,
    Units,
    View,
    channel_indices,
    num_channels,
    take,
    uncalibrated,
)
from .layouts import MOST_SWITCHES, switch_members
from .norm_state import norm_state

SubnetLike = Subnet | str | Mapping[str, Any]

# All paths of the largest routed space and then some; a training that samples tens of
# thousands of sub-nets must not keep a description of each.
_CACHED_VIEWS = 1024
_NAMED = 8


class ElasticBackbone:
    """Mixed into a backbone whose layers are elastic, before it in the bases.

    Attributes:
        space: The sub-nets that training draws from; ``space.max`` is this network.
        subnet: The one that runs where none is given.
        subnet_statistics: Batch-norm statistics of calibrated sub-nets.
        pyramid: The ``out_indices`` of strides 4, 8, 16 and so on.
    """

    space: SearchSpace
    subnet: Subnet
    subnet_statistics: SubnetStatistics
    pyramid: tuple[int, ...]

    def _setup(self, space: SearchSpace, subnet: SubnetLike | None) -> None:
        """To be called at the end of the subclass's constructor."""
        self.space = space
        self.subnet_statistics = SubnetStatistics()
        self._views: dict[Subnet, View] = {}
        self._switches: dict[Subnet, int] | None = None
        self.subnet = space.max if subnet is None else space.resolve(subnet)

    @abstractmethod
    def layout(self, subnet: Subnet, **view) -> Units:
        """Describes ``subnet`` by its convolutions; ``view`` goes to each norm's."""

    @abstractmethod
    def build_plain(self, subnet: Subnet) -> nn.Module:
        """Builds the static network of ``subnet``, with any weights."""

    @abstractmethod
    def plain_config(self, subnet: Subnet) -> dict[str, Any]:
        """Returns the config of `build_plain`, in plain types."""

    def plain_norm_cfg(self) -> dict[str, Any]:
        """Returns the ``norm_cfg`` of the plain networks."""
        norm = {k: v for k, v in self.norm_cfg.items() if k != "requires_grad"}
        if norm["type"] in ("SwitchableBN", "SyncBN"):
            norm["type"] = "BN"
        return norm

    def resolve(self, subnet: SubnetLike | None) -> Subnet:
        """Returns the sub-net that a value means; None is the default one.

        Args:
            subnet: A `Subnet`, its name or dict, or an anchor's name such as "MIN".

        Raises:
            UserError: This network cannot run it.
        """
        if subnet is None:
            return self.subnet
        if isinstance(subnet, Subnet) and subnet in self._views:
            return subnet
        return self.space.resolve(subnet)

    def _apply(self, fn, recurse=True):
        self._views.clear()  # they hold tensors, which are about to move
        return super()._apply(fn, recurse)

    def stage_channels(self, subnet: SubnetLike | None = None) -> tuple[int, ...]:
        """Returns the channels of every possible output of ``subnet``."""
        return self.arch.out_channels(self.resolve(subnet))

    def out_channels(self, subnet: SubnetLike | None = None) -> tuple[int, ...]:
        """Returns the channels of each output of ``subnet`` at ``out_indices``."""
        channels = self.stage_channels(subnet)
        return tuple(channels[index] for index in self.out_indices)

    def cost(
        self, subnet: SubnetLike | None = None, shape: int | tuple[int, int] = 224
    ) -> Cost:
        """Returns the MACs and parameters of ``subnet``'s plain network.

        Args:
            subnet: Which; None: the default one.
            shape: Height and width of the image, or one number for both.
        """
        return self.cost_of(self.resolve(subnet), shape)

    def needs_calibration(self, subnet: SubnetLike | None = None) -> bool:
        """Whether ``subnet`` has no batch-norm statistics without calibration."""
        return self.norm_cfg["type"] in ("BN", "SyncBN") and (
            self.resolve(subnet) != self.space.max
        )

    def is_calibrated(self, subnet: SubnetLike | None = None) -> bool:
        """Whether ``subnet`` can be evaluated and exported as it is."""
        return self.view(subnet).ready

    def norm_view(self, subnet: SubnetLike | None = None) -> NormView:
        """Returns what the norms of a neck have to know of ``subnet``.

        Its ``switch`` is the place among `switch_members`, 0 where the space has too
        many for norms of their own; it is ``tracked`` if it is the largest.
        """
        subnet = self.resolve(subnet)
        switch = self.switches.get(subnet, 0)
        tracked = subnet == self.space.max
        return NormView(switch=switch, tracked=tracked, subnet=subnet.name)

    @property
    def switches(self) -> dict[Subnet, int]:
        """Which of several switchable norms a sub-net has; empty for a large space."""
        if self._switches is None:
            space = self.space
            small = isinstance(space, ListSpace) or len(space) <= MOST_SWITCHES
            members = switch_members(space) if small else []
            self._switches = {subnet: place for place, subnet in enumerate(members)}
        return self._switches

    @torch.no_grad()
    def inherit_norms(self, child: SubnetLike, parent: SubnetLike) -> None:
        """Gives a sub-net's own norms what another's hold for the channels of both.

        Args:
            child: A path, whose channels are among the parent's.
            parent: A path that it lies below, or MAX.
        """
        theirs = self.view(parent).units
        for name, unit in self.view(child).units.items():
            norm = self.get_submodule(unit.norm) if unit.norm else None
            if not isinstance(norm, SwitchableBatchNorm2d):
                continue
            source = norm[theirs[name].view.switch].state_dict()
            places = {c: i for i, c in enumerate(channel_indices(theirs[name].out))}
            chosen = [places[channel] for channel in channel_indices(unit.out)]
            for key, value in norm[unit.view.switch].state_dict().items():
                value.copy_(source[key][chosen] if value.dim() else source[key])

    def view(self, subnet: SubnetLike | None = None) -> View:
        """Returns the active part of every layer under ``subnet``.

        Raises:
            UserError: This network cannot run it.
        """
        subnet = self.resolve(subnet)
        view = self._views.get(subnet)
        if view is None or view.statistics is not self.subnet_statistics.get(view.name):
            view = self._make_view(subnet)
            if len(self._views) >= _CACHED_VIEWS:
                del self._views[next(iter(self._views))]
            self._views[subnet] = view
        return view

    def _make_view(self, subnet: Subnet) -> View:
        switch, tracked = 0, True
        if self.norm_cfg["type"] == "SwitchableBN":
            switch = self._switch(subnet)
        else:
            tracked = subnet == self.space.max
        units = self.layout(subnet, switch=switch, tracked=tracked)
        for name in units:
            self._require_module(name, subnet)
        statistics = self.subnet_statistics.get(subnet.name)
        if statistics is not None:
            widths = [num_channels(unit.out) for unit in units.values() if unit.norm]
            if statistics.shape != (2, sum(widths)):
                raise Uncalibrated(
                    f"the batch-norm statistics of sub-net {subnet} belong to another "
                    f"network; calibrate it again"
                )
            parameter = next(self.parameters())
            parts = iter(statistics.to(parameter).split(widths, dim=1))
            units = {
                name: unit.with_statistics(*next(parts)) if unit.norm else unit
                for name, unit in units.items()
            }
        ready = statistics is not None or not self.needs_calibration(subnet)
        return View(subnet.name, subnet.depths, units, statistics, ready)

    def _switch(self, subnet: Subnet) -> int:
        if subnet not in self.switches:
            members = list(self.switches)
            names = ", ".join(map(str, members[:_NAMED]))
            more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
            raise Uncalibrated(
                f"sub-net {subnet} has no batch norms of its own; this network has "
                f"them for {names}{more}"
            )
        return self.switches[subnet]

    def _require_module(self, name: str, subnet: Subnet) -> None:
        try:
            self.get_submodule(name)
        except AttributeError:
            raise BadSubnet(
                f"sub-net {subnet} needs {name}, which this network does not have; "
                f"add the sub-net to its search space"
            ) from None

    def _active(self, subnet: SubnetLike | None) -> View:
        """Returns the view for a forward pass.

        Raises:
            UserError: Evaluation of a sub-net that has not been calibrated.
        """
        if self.training and not self.norm_eval and len(self.subnet_statistics):
            # They described weights that are about to move.
            self.subnet_statistics.clear()
        view = self.view(subnet)
        if not self.training and not view.ready:
            raise uncalibrated(view.name)
        return view

    def state_dict_of(
        self, subnet: SubnetLike | None = None, uncalibrated_ok: bool = False
    ) -> dict[str, Tensor]:
        """Gathers the weights of a sub-net under the names of its plain network.

        Args:
            subnet: Which; None: the default one.
            uncalibrated_ok: Gives untrained statistics (0, 1) to the batch norms of a
                sub-net that has none, instead of failing.

        Returns:
            Copies, on the device of the weights.

        Raises:
            UserError: The sub-net has not been calibrated.
        """
        view = self.view(subnet)
        if not uncalibrated_ok and not view.ready:
            raise uncalibrated(view.name)
        state: dict[str, Tensor] = {}
        for unit in view.units.values():
            conv = self.get_submodule(unit.conv)
            weight = take(conv.weight, 0, unit.out)
            if conv.groups == 1:
                weight = take(weight, 1, unit.in_)
            state[f"{unit.conv}.weight"] = weight
            if conv.bias is not None:
                state[f"{unit.conv}.bias"] = take(conv.bias, 0, unit.out)
            if unit.norm:
                state |= norm_state(self.get_submodule(unit.norm), unit)
        return {
            name: tensor.detach().clone(memory_format=torch.contiguous_format)
            for name, tensor in state.items()
        }

    def extract(
        self, subnet: SubnetLike | None = None, uncalibrated_ok: bool = False
    ) -> nn.Module:
        """Returns the plain network of a sub-net, with copies of its weights.

        Args:
            subnet: See `state_dict_of`.
            uncalibrated_ok: See `state_dict_of`.
        """
        subnet = self.resolve(subnet)
        state = self.state_dict_of(subnet, uncalibrated_ok)
        with torch.device("meta"):
            plain = self.build_plain(subnet)
        plain.load_state_dict(state, strict=True, assign=True)
        return plain.train(self.training)
