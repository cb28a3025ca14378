"""What the backbones of other libraries share."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mmengine.model import initialize
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...utils.families import BadConfigValue
from .library import build_body, cached_weights, load_body

Output = Literal["map", "feature"]
_BODY = "body."


class LibraryBackbone(nn.Module):
    """A network of another library as a backbone, without its classifier.

    Names in a state dict are the library's own, so that its files load as they are and
    what was trained here loads there.

    Args:
        name: The library's name of the model.
        weights: A file of its weights, of any layout that `load_state_dict` reads;
            "default": the library's own, of its download cache or of an installed
            package; None: drawn.
        output: "map": the last feature map (N, C, H, W); "feature": the library's own
            pooled feature (N, D), for necks without a pool. None: the map, but the
            feature of networks that work on tokens.
        out_indices: Levels whose maps are returned instead, 0 for the first.
        frozen_stages: -1 freezes nothing, i all up to the end of level i; as many as
            there are levels freezes everything.
        norm_eval: Whether batch norms keep their statistics in training.
        init_cfg: What `init_weights` does, for mmengine; None: nothing.
        **options: The library's, such as timm's ``img_size`` and ``drop_path_rate``.

    Attributes:
        out_channels (tuple[int, ...]): Channels of each output.
        body (nn.Module): The library's network.
        heads (tuple[str, ...]): Classifiers that the library's files hold and it lacks.
        meta (dict): ``size``, ``mean`` and ``std`` (0..1) that its own weights expect.

    Raises:
        UserError: An unknown model, level or output, or weights that do not fit.
    """

    library: str

    def __init__(
        self,
        name: str,
        weights: str | None = None,
        output: Output | None = None,
        out_indices: Sequence[int] | None = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.init_cfg = init_cfg
        built = build_body(self.library, name, **options)
        self.name, self.body, self.heads = name, built.network, built.heads
        self.meta = {"size": built.size, "mean": built.mean, "std": built.std}
        self.output = output or self.default_output
        self.out_indices = None if out_indices is None else tuple(out_indices)
        self.frozen_stages, self.norm_eval = frozen_stages, norm_eval
        levels = len(self.levels)
        if self.output not in ("map", "feature"):
            raise BadConfigValue(f"output must be map or feature, not {output!r}")
        if self.out_indices is not None and not all(
            0 <= index < levels for index in self.out_indices
        ):
            raise BadConfigValue(
                f"out_indices {self.out_indices} of {self.library}:{name} must be "
                f"levels 0 to {levels - 1}"
            )
        if not -1 <= frozen_stages <= levels:
            raise BadConfigValue(
                f"frozen_stages of {self.library}:{name} must be -1 to {levels}, "
                f"not {frozen_stages}"
            )
        self.out_channels = self._channels(built.features)
        self.register_state_dict_post_hook(_without_body)
        self.register_load_state_dict_pre_hook(_with_body)
        if weights is not None:
            if weights == "default":
                weights = str(cached_weights(self.library, name))
            load_body(built, name, weights)
        self._freeze()

    def init_weights(self) -> None:
        """Does what ``init_cfg`` says; the library's own weights were drawn before."""
        if self.init_cfg is not None:
            initialize(self, dict(self.init_cfg))

    @property
    @abstractmethod
    def levels(self) -> Sequence[str]:
        """Names of the modules that end each level."""

    @property
    @abstractmethod
    def default_output(self) -> Output:
        """What is returned if nothing is asked for."""

    @abstractmethod
    def _channels(self, features: int) -> tuple[int, ...]:
        """Returns the channels of the outputs; ``features`` are the pooled one's."""

    @abstractmethod
    def _map(self, x: Tensor) -> Tensor:
        """Returns the last feature map (N, C, H, W)."""

    @abstractmethod
    def _maps(self, x: Tensor) -> Sequence[Tensor]:
        """Returns the maps of ``out_indices``."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs that were asked for.

        Args:
            x: Images (N, 3, H, W).
        """
        if self.out_indices is not None:
            return tuple(self._maps(x))
        if self.output == "map":
            return (self._map(x),)
        return (self.body(x).flatten(1),)

    def train(self, mode: bool = True) -> "LibraryBackbone":
        """Sets the mode, but keeps frozen levels and norms in evaluation."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        if self.frozen_stages == len(self.levels):
            self.body.requires_grad_(False).eval()
            return
        end = self.levels[self.frozen_stages]
        # In the order of registration, which is that of computation.
        names = [name for name, _ in self.body.named_modules()]
        last = max(
            i for i, n in enumerate(names) if n == end or n.startswith(f"{end}.")
        )
        for name, parameter in self.body.named_parameters():
            owner = name.rpartition(".")[0]
            if not owner or names.index(owner) <= last:
                parameter.requires_grad_(False)
        for name in names[1 : last + 1]:
            module = self.body.get_submodule(name)
            if not any(module.children()):
                module.eval()


def _without_body(
    module: nn.Module, state: dict[str, Tensor], prefix: str, metadata: Any
) -> None:
    for key in [key for key in state if key.startswith(prefix + _BODY)]:
        state[prefix + key[len(prefix + _BODY) :]] = state.pop(key)


def _with_body(
    module: nn.Module, state: dict[str, Tensor], prefix: str, *args: Any
) -> None:
    for key in [key for key in state if key.startswith(prefix)]:
        state[prefix + _BODY + key[len(prefix) :]] = state.pop(key)


def library_config(config: Mapping[str, Any]) -> str | None:
    """Returns the library's name of a backbone's config; None: it is none of these."""
    kinds = {"TimmBackbone": "timm", "TorchvisionBackbone": "torchvision"}
    return kinds.get(str(config.get("type")).removeprefix("mmtaskssl."))
