"""Measured latencies that are measured once and kept."""

import json
import logging
from pathlib import Path

import torch
from mmengine.dist import broadcast_object_list, get_rank
from mmengine.logging import print_log

from ..models.backbones import ElasticBackbone
from ..networks.costs import time_network
from ..subnets import Subnet
from ..utils.inputs import parse_json, read_text

# Measurements between two lines that say how many there are by now.
_SAID = 50


class LatencyBook:
    """Median seconds of sub-nets' plain networks for one image on this machine.

    Kept in a file, where there is one, so that a search that is resumed meets the same
    values; measured in the first process alone and told to the others.

    Args:
        backbone: Builds the plain networks.
        path: The file; None: they live in memory.
        shape: Height and width of the image.
        device: Where they run.
        limit: Most measurements of this run.
    """

    def __init__(
        self,
        backbone: ElasticBackbone,
        path: str | Path | None,
        shape: tuple[int, int],
        device: str | torch.device,
        limit: int = 1000,
    ) -> None:
        self.backbone = backbone
        self.path = None if path is None else Path(path)
        self.device = torch.device(device)
        self.images = (1, backbone.in_channels, *shape)
        self.left, self.full = limit, False
        known = [self._read() if get_rank() == 0 else {}]
        broadcast_object_list(known)
        self.known: dict[str, float] = known[0]

    def __call__(self, subnet: Subnet) -> float:
        """Returns seconds; infinity once the measurements are used up."""
        if subnet.name not in self.known:
            if self.left == 0:
                self._say_full()
                return float("inf")
            self.left -= 1
            value = [self._measure(subnet) if get_rank() == 0 else 0.0]
            broadcast_object_list(value)
            self.known[subnet.name] = value[0]
            if len(self.known) % _SAID == 0:
                print_log(f"timed {len(self.known):,} sub-nets", "current")
        return self.known[subnet.name]

    def _say_full(self) -> None:
        """Says once that what is not measured by now is in no band."""
        if not self.full:
            self.full = True
            print_log(
                f"{len(self.known):,} sub-nets were timed, and no more are: what else "
                "may lie within the budget is not looked at",
                "current",
                logging.WARNING,
            )

    def _measure(self, subnet: Subnet) -> float:
        with torch.random.fork_rng(devices=[]):  # construction draws
            network = self.backbone.build_plain(subnet)
        _, _, *shape = self.images
        latency = time_network(network, tuple(shape), 1, 10, self.device, warmup=3)
        if self.path is not None:
            row = {**self._what(), "subnet": subnet.name, "seconds": latency.median}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return latency.median

    def _what(self) -> dict[str, object]:
        return {"images": list(self.images), "device": str(self.device)}

    def _read(self) -> dict[str, float]:
        if self.path is None or not self.path.is_file():
            return {}
        known = {}
        for line in read_text(self.path).splitlines():
            try:
                row = parse_json(line)
                if {key: row[key] for key in ("images", "device")} == self._what():
                    known[row["subnet"]] = row["seconds"]
            except (ValueError, KeyError, TypeError):
                continue  # the line that a kill cut off
        return known
