"""Everything that training changes, and how it is saved and restored."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import nn

from videogan.checkpoint import Card, Weights
from videogan.config import Config, OptimizerConfig
from videogan.data.seeding import position_seed
from videogan.errors import CheckpointError
from videogan.models.build import build_discriminators, build_encoder, build_generator, build_joint_discriminator
from videogan.training.judging import Networks
from videogan.training.step import Optimizers


@dataclass
class TrainingState:
    """Networks, optimizers and progress.

    ``step`` counts finished steps, ``seconds`` the time spent training in all sessions of the run.
    """

    networks: Networks
    optimizers: Optimizers
    step: int = 0
    clips_seen: int = 0
    seconds: float = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return tensors, text and whole numbers only."""
        return {
            "step": self.step,
            "clips_seen": self.clips_seen,
            "milliseconds": round(self.seconds * 1000),
            "networks": {name: network.state_dict() for name, network in self.networks.present().items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers._asdict().items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` gave.

        Raises:
            CheckpointError: the state belongs to other networks.
        """
        try:
            for name, network in self.networks.present().items():
                network.load_state_dict(state["networks"][name])
            for name, optimizer in self.optimizers._asdict().items():
                optimizer.load_state_dict(state["optimizers"][name])
            self.step, self.clips_seen = state["step"], state["clips_seen"]
            self.seconds = state["milliseconds"] / 1000
        except (KeyError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"the checkpoint belongs to other networks ({str(error).splitlines()[0]})") from None

    def weights(self, config: Config, class_names: tuple[str, ...], frame_rate: Fraction) -> Weights:
        """Return what is needed to make videos, described."""
        card = Card(config, class_names, frame_rate, self.step, self.clips_seen)
        return Weights(self.networks.ema_generator, self.networks.encoder, card)


def new_state(config: Config, num_classes: int, device: torch.device) -> TrainingState:
    """Return networks with weights drawn from the config's seed, and fresh optimizers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(position_seed(config.train.seed))
        generator, encoder = build_generator(config, num_classes), build_encoder(config)
        frame_discriminator, clip_discriminator = build_discriminators(config, num_classes)
        joint_discriminator = build_joint_discriminator(config, num_classes)
    ema_generator = copy.deepcopy(generator).requires_grad_(False).eval()
    networks = Networks(generator, ema_generator, frame_discriminator, clip_discriminator, encoder, joint_discriminator)
    for network in networks.present().values():
        network.to(device)
    optimizers = Optimizers(
        _adam([networks.generator], config.optimizer),
        _adam(networks.discriminators(), config.optimizer),
        _adam([networks.encoder], config.optimizer),
    )
    return TrainingState(networks, optimizers)


def _adam(networks: Iterable[nn.Module], config: OptimizerConfig) -> torch.optim.Optimizer:
    parameters = [parameter for network in networks for parameter in network.parameters()]
    return torch.optim.Adam(parameters, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True)
