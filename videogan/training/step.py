"""One training step: the two adversarial updates, and the encoder's beside them.

Clips are ``b t c h w`` in [-1, 1]. What each network learns stands in ``micro_batch.py``; a step knows nothing of
logging or files.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from videogan.config import Config
from videogan.data.loader import ClipBatch
from videogan.models.discriminator import Discriminator
from videogan.models.generator import Generator
from videogan.models.latents import content_code
from videogan.models.layers import shrink
from videogan.models.precision import lowered_weights
from videogan.training.augment import mirror
from videogan.training.distributed import average_gradients
from videogan.training.draws import DrawsAhead, StepDraws, Updates, draw_step
from videogan.training.graph import GraphedStep
from videogan.training.launch import Process
from videogan.training.micro_batch import MicroBatch, StepInput, mean_losses, split
from videogan.training.objective import Losses
from videogan.training.schedule import ema_weight, learning_rate, set_learning_rate, update_ema
from videogan.training.state import Networks, Optimizers, SkippingAdam, TrainingState
from videogan.video import to_float


def advance(
    state: TrainingState, batch: ClipBatch, process: Process | None = None, ahead: DrawsAhead | None = None
) -> Losses:
    """Take one step of training on a batch that lies on the networks' device; return named scalars.

    ``ahead`` is what was drawn for this step before it, on the same device; None draws it now. Everything random in it
    depends on ``train.seed``, on ``state.step`` and on the rank only. On a GPU the updates are replayed as one CUDA
    graph where that is possible; nothing in a step waits for the device.
    """
    process = process or Process()
    config, networks = state.config, state.networks
    real = shrink(to_float(batch.frames, planar=False), config.size_at(state.step))
    where: dict[str, Any] = {"step": state.step, "device": real.device, "rank": process.rank}
    draws = draw_step(config, networks.generator, batch.labels, ahead=ahead, **where)
    if draws.mirrored is not None:
        real = mirror(real, draws.mirrored)
    for optimizer in state.optimizers:
        set_learning_rate(optimizer, learning_rate(config.optimizer, state.step) * 0.5**state.halvings)

    if state.update is None or state.step in config.train.grow_at:
        state.update = graphed_update(state, process)
    losses = state.update(step_input(networks.generator, real, batch.labels, draws), draws.updates)

    clips = len(real) * process.world_size
    state.step += 1
    state.clips_seen += clips
    kept = ema_weight(clips, state.clips_seen, half_life=config.train.ema_half_life, ramp=config.train.ema_ramp)
    update_ema(networks.ema_generator, networks.generator, kept)
    return losses


def graphed_update(state: TrainingState, process: Process) -> GraphedStep[StepInput, Updates]:
    """Return :func:`update` for the networks of a state, as a CUDA graph where it can be one."""
    config, networks, optimizers = state.config, state.networks, state.optimizers
    reason = ""
    if config.double_backward:
        reason = f"penalty.kind={config.penalty.kind} differentiates twice"
    elif process.world_size > 1:
        reason = "several processes exchange gradients in it"
    return GraphedStep(
        lambda x, updates: update(networks, optimizers, x, updates, config, state.micro_batches),
        list(networks.named().values()),
        optimizers,
        eager_because=reason,
    )


def step_input(generator: Generator, real: Tensor, labels: Tensor | None, draws: StepDraws) -> StepInput:
    """Run the burn-in, whose length differs from step to step, and return what the updates need."""
    noise = draws.latents.motion_noise
    content = content_code(draws.latents.content_noise, generator.prior)
    return StepInput(
        real,
        labels,
        draws.latents.content_noise,
        noise[:, 1 + draws.burn_in :],
        generator.run_in(content, labels, noise[:, : 1 + draws.burn_in]),
        draws.frame_order,
        draws.shifts,
        draws.real_augmentation,
        draws.fake_augmentation,
        draws.noise,
        draws.penalty_share,
        draws.discriminator_shares,
    )


def update(
    networks: Networks, optimizers: Optimizers, x: StepInput, updates: Updates, config: Config, micro_batches: int = 1
) -> Losses:
    """Update the discriminators, and the encoder and the generator where ``updates`` says so; return named scalars.

    The generated batch is made once: the discriminators see it detached, the generator's update goes through the
    discriminators as they have become. Real clips are judged once too: the generator's loss compares with what the
    discriminators said of them before their update. No value is read back and no shape depends on one, so that all
    of it can be one CUDA graph.

    In several ``micro_batches`` the gradients are the mean of theirs, and the generated clips are made twice, so that
    only one of them is held at a time.
    """
    parts = [MicroBatch(networks, part, config, micro_batches) for part in split(x, micro_batches)]
    clip_norm, exchange = config.optimizer.clip_norm, getattr(torch, config.train.exchange_precision)
    precision = torch.bfloat16 if config.train.precision == "bfloat16" else torch.float32
    learning = [networks.generator, networks.encoder, *networks.discriminators.values()]
    from_encoder: list[Tensor | None] = []
    optimizers.zero_grad()

    # The discriminators tell real clips from generated ones.
    with lowered_weights(learning, precision):
        losses = mean_losses([part.discriminators_learn(updates) for part in parts])
    descend(optimizers.discriminators, clip_norm, exchange)

    # The encoder finds the codes behind a clip. Its gradients and the generator's gather on the frames, so that one
    # backward pass takes the sum of both to the generator. What reaches the generator by itself is added to it then.
    with frozen(networks.discriminators), lowered_weights(learning, precision):
        if updates.encoder:
            encoder_terms = mean_losses([part.encoder_learns() for part in parts])
            if encoder_terms:
                descend(optimizers.encoder, clip_norm, exchange)
                scale_gradients([part.frames for part in parts], config.encoder.generator_weight)
                from_encoder = take_gradients(optimizers.generator)
            losses |= encoder_terms

        # The generator makes clips that pass for real.
        if updates.generator:
            losses |= mean_losses([part.generator_learns() for part in parts])
            add_gradients(optimizers.generator, from_encoder, config.encoder.generator_weight)
            descend(optimizers.generator, clip_norm, exchange)
    return {name: value.detach() for name, value in (losses | mean_losses([part.observed for part in parts])).items()}


def descend(optimizer: SkippingAdam, clip_norm: float, exchange: torch.dtype) -> None:
    """Step down the gradients of an optimizer's parameters, their common norm limited to ``clip_norm``.

    Several processes exchange them first, in the precision ``exchange``.
    A norm that is not finite skips the step.
    """
    parameters = parameters_of(optimizer)
    average_gradients(parameters, exchange)
    norm = torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimizer.found_inf = (norm - norm).ne_(0)  # 1.0: infinity less infinity is no number, and unequal to all
    optimizer.step()


def parameters_of(optimizer: SkippingAdam) -> list[nn.Parameter]:
    """Return the parameters that an optimizer steps."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def scale_gradients(tensors: list[Tensor], share: float) -> None:
    """Scale the gradients that some tensors have received so far."""
    gradients = [tensor.grad for tensor in tensors if tensor.grad is not None]
    if share != 1 and gradients:
        torch._foreach_mul_(gradients, share)


def take_gradients(optimizer: SkippingAdam) -> list[Tensor | None]:
    """Take away the gradients that an optimizer's parameters have received so far, and return them."""
    gradients = [parameter.grad for parameter in parameters_of(optimizer)]
    optimizer.zero_grad(set_to_none=True)
    return gradients


def add_gradients(optimizer: SkippingAdam, gradients: list[Tensor | None], share: float) -> None:
    """Add a share of what :func:`take_gradients` took to the gradients of the same parameters."""
    both: list[tuple[Tensor, Tensor]] = []
    for parameter, gradient in zip(parameters_of(optimizer), gradients, strict=True) if gradients else ():
        if gradient is not None and parameter.grad is not None:
            both.append((parameter.grad, gradient))
        elif gradient is not None:
            parameter.grad = gradient * share
    if both:
        own, others = zip(*both, strict=True)
        torch._foreach_add_(own, others, alpha=share)


@contextmanager
def frozen(discriminators: Mapping[str, Discriminator]) -> Iterator[None]:
    """Let gradients pass through discriminators without computing those of their parameters."""
    learning = [p for network in discriminators.values() for p in network.parameters() if p.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
