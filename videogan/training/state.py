"""Everything that training changes, and how it is made, saved and restored."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from videogan.artifacts.weights import Card, Weights
from videogan.config import Config, OptimizerConfig
from videogan.data.seeding import position_seed
from videogan.errors import CheckpointError, UsageError
from videogan.models.build import build_discriminators, build_encoder, build_generator
from videogan.models.discriminator import Discriminator
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator
from videogan.training.draws import Updates

if TYPE_CHECKING:
    from videogan.training.micro_batch import StepInput

RECOMPILE_LIMIT = 64
"""One module class occurs at many shapes; torch's own limit would fall back to eager code half-way."""


class Networks(NamedTuple):
    """The networks of a run; ``ema_generator`` averages ``generator`` and is what samples are made with."""

    generator: Generator
    ema_generator: Generator
    discriminators: dict[str, Discriminator]
    encoder: Encoder

    def named(self) -> dict[str, nn.Module]:
        """Return every network under the name that it has in a checkpoint."""
        discriminators = {f"{name}_discriminator": network for name, network in self.discriminators.items()}
        return {
            "generator": self.generator,
            "ema_generator": self.ema_generator,
            **discriminators,
            "encoder": self.encoder,
        }

    def use_codes(self) -> bool:
        """Tell whether a discriminator wants to know the codes of the clips that it judges."""
        return any(discriminator.uses_codes for discriminator in self.discriminators.values())

    def compile(self) -> None:
        """Compile the decoders, the discriminators and the encoder in place, on their first call.

        The recurrent dynamics stay as they are: their length changes from step to step. Names in state dicts stay the
        same.
        """
        torch._dynamo.config.recompile_limit = RECOMPILE_LIMIT
        for generator in (self.generator, self.ema_generator):
            for stage in generator.stages:
                stage.compile(dynamic=False)
        for network in (*self.discriminators.values(), self.encoder):
            network.compile(dynamic=False)


class SkippingAdam(torch.optim.Adam):
    """Adam whose fused kernel leaves everything as it is where ``found_inf`` is 1, without waiting for the device."""

    found_inf: Tensor | None = None


class Optimizers(NamedTuple):
    """One optimizer for the generator, one for all discriminators, one for the encoder."""

    generator: SkippingAdam
    discriminators: SkippingAdam
    encoder: SkippingAdam

    def zero_grad(self) -> None:
        """Forget every gradient, and whether one was not finite."""
        for optimizer in self:
            optimizer.zero_grad(set_to_none=True)
            optimizer.found_inf = None

    def skipped(self) -> dict[str, Tensor]:
        """Return by name, as 0 or 1, whether the last step was skipped by those optimizers that took part in it."""
        return {name: flag for name, optimizer in self._asdict().items() if (flag := optimizer.found_inf) is not None}


@dataclass
class TrainingState:
    """The configuration of a run, its networks and optimizers, and how far it has come.

    ``step`` counts finished steps, ``seconds`` the time spent training in all sessions of the run, ``halvings`` how
    often training went back after it diverged, each time to half the learning rate. ``micro_batches`` is in how many
    shares a batch goes through the networks, more than one where memory does not suffice for all of it.
    """

    config: Config
    networks: Networks
    optimizers: Optimizers
    step: int = 0
    clips_seen: int = 0
    seconds: float = 0.0
    halvings: int = 0
    micro_batches: int = 1
    update: "Callable[[StepInput, Updates], dict[str, Tensor]] | None" = field(default=None, repr=False, compare=False)
    """The updates of a step, made by the first one: see :func:`videogan.training.step.advance`."""

    def state_dict(self) -> dict[str, Any]:
        """Return tensors, text and whole numbers only."""
        return {
            "step": self.step,
            "clips_seen": self.clips_seen,
            "milliseconds": round(self.seconds * 1000),
            "halvings": self.halvings,
            "networks": {name: network.state_dict() for name, network in self.networks.named().items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers._asdict().items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` gave.

        Raises:
            CheckpointError: the state belongs to other networks.
        """
        try:
            for name in ("step", "clips_seen", "milliseconds"):
                if not isinstance(state[name], int) or not 0 <= state[name] < 2**63:
                    raise ValueError(f"{name} is no whole number from 0 on")
            for name, network in self.networks.named().items():
                network.load_state_dict(state["networks"][name])
            for name, optimizer in self.optimizers._asdict().items():
                _load_optimizer(optimizer, state["optimizers"][name])
            self.update = None
            self.step, self.clips_seen = state["step"], state["clips_seen"]
            self.seconds = state["milliseconds"] / 1000
            self.halvings = min(64, max(0, int(state.get("halvings", 0))))
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise CheckpointError(f"the checkpoint belongs to other networks, or is damaged ({reason})") from None

    def not_finite(self) -> str:
        """Name the first network or optimizer with a value that is not finite, or return an empty string."""
        for name, network in self.networks.named().items():
            # What a checkpoint keeps: constants beside it may be infinite (LatentDynamics.ages).
            if not _finite(list(network.state_dict().values())):
                return name
        for name, optimizer in self.optimizers._asdict().items():
            if not _finite([value for values in optimizer.state.values() for value in values.values()]):
                return f"the optimizer of {name}"
        return ""

    def weights(self, class_names: tuple[str, ...], frame_rate: Fraction) -> Weights:
        """Return what is needed to make videos, described."""
        card = Card(self.config, class_names, frame_rate, self.step, self.clips_seen)
        return Weights(self.networks.ema_generator, self.networks.encoder, card)


def _load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Restore moments and counts; the settings stay those of the configuration."""
    settings = [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, own in zip(optimizer.param_groups, settings, strict=True):
        group.update(own)
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if value.numel() > 1 and value.shape != parameter.shape:
                raise ValueError(f"{name} of an optimizer has the shape {tuple(value.shape)}")


def _finite(tensors: list[Tensor]) -> bool:
    """Tell whether every number is finite; waits for the device once."""
    floats = [tensor for tensor in tensors if tensor.is_floating_point() and tensor.numel()]
    devices: dict[torch.device, list[Tensor]] = {}
    for tensor in floats:
        devices.setdefault(tensor.device, []).append(tensor)
    norms = [torch.stack(torch._foreach_norm(same, float("inf"))) for same in devices.values()]
    return all(bool(norm.isfinite().all()) for norm in norms)


def new_state(config: Config, num_classes: int, device: torch.device) -> TrainingState:
    """Return networks with weights drawn from the config's seed, and fresh optimizers.

    Raises:
        UsageError: a term of the objective needs other classes, and there are none.
    """
    if num_classes < 2 and config.encoder.shows_other_classes:
        raise UsageError(
            "encoder.class_cycle_weight, recurrent_cycle_weight and translation_weight show clips as other classes: "
            "the clips need two classes at least, one in each sub-folder"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(position_seed(config.train.seed))
        generator, encoder = build_generator(config, num_classes), build_encoder(config)
        discriminators = build_discriminators(config, num_classes)
    for discriminator in discriminators.values():
        for layer in discriminator.layers()[: config.train.freeze_layers]:
            layer.requires_grad_(False)
    ema_generator = copy.deepcopy(generator).requires_grad_(False).eval()
    networks = Networks(generator, ema_generator, discriminators, encoder)
    for network in networks.named().values():
        network.to(device)
    optimizers = Optimizers(
        _adam([generator], config.optimizer),
        _adam(discriminators.values(), config.optimizer),
        _adam([encoder], config.optimizer),
    )
    return TrainingState(config, networks, optimizers)


def _adam(networks: Iterable[nn.Module], config: OptimizerConfig) -> SkippingAdam:
    parameters = [parameter for network in networks for parameter in network.parameters()]
    betas, device = (config.beta1, config.beta2), parameters[0].device
    if device.type != "cuda":
        return SkippingAdam(parameters, lr=config.learning_rate, betas=betas, fused=True)
    # A CUDA graph repeats what it recorded: a rate that changes has to lie on the device.
    rate = torch.tensor(config.learning_rate, device=device)
    optimizer = SkippingAdam(parameters, lr=rate, betas=betas, fused=True, capturable=True)
    # It would warn of every step outside of a graph; the first are, on purpose.
    optimizer._warned_capturable_if_run_uncaptured = True
    return optimizer
