"""The encoder's terms: reconstruction, cycles, and its side of the joint game."""

from collections.abc import Iterable

from einops import rearrange
from torch import Tensor

from videogan.config import Config
from videogan.losses.adversarial import adversarial_loss
from videogan.losses.reconstruction import feature_loss, latent_cycle_loss, reconstruction_loss
from videogan.models.encoder import Codes
from videogan.models.generator import Generated
from videogan.training.judging import Evidence, Networks

Losses = dict[str, Tensor]


def visible_codes(fake: Generated, num_frames: int, frames_per_step: int) -> Codes:
    """Return the codes of generated frames, without those of the history before them, and without gradient."""
    steps = num_frames // frames_per_step
    return Codes(fake.content.detach(), fake.motion_codes[:, -steps:].detach())


def encoder_losses(networks: Networks, real: Evidence, fake: Generated, config: Config) -> Losses:
    """Return the encoder's terms on a share of the batch, weighed; a term whose weight is 0 is left out.

    Reconstruction and clip cycle ask G(E(x)) ~ x of real and of generated clips, the latent cycle E(G(z)) ~ z
    (Zhu et al. 2017, "Unpaired image-to-image translation", eq. 2, between clips and codes; Larsen et al. 2016 for the
    features). With ``encoder.generator_weight`` 0 they go through the ema_generator and reach the encoder only.
    """
    chosen = config.encoder
    few = max(1, round(len(real.clips) * chosen.share))
    some = real.first(few)
    live = chosen.generator_weight > 0
    generator = networks.generator if live else networks.ema_generator
    made = fake.frames[:few] if live else fake.frames[:few].detach()
    true_codes = visible_codes(fake, made.shape[1], generator.frames_per_step)
    found, recovered = networks.encoder(some.clips), networks.encoder(made)
    losses: Losses = {}
    if chosen.reconstruction_weight or chosen.feature_weight:
        rebuilt = generator.reconstruct(found.content, found.motion_codes, some.labels)
        if chosen.reconstruction_weight:
            losses["reconstruction"] = chosen.reconstruction_weight * reconstruction_loss(
                some.clips, rebuilt, chosen.reconstruction
            )
        if chosen.feature_weight:
            losses["feature_reconstruction"] = chosen.feature_weight * _feature_term(networks, some, rebuilt)
    if chosen.clip_cycle_weight:
        again = generator.reconstruct(recovered.content, recovered.motion_codes, some.labels)
        losses["clip_cycle"] = chosen.clip_cycle_weight * reconstruction_loss(made, again, chosen.reconstruction)
    if chosen.latent_cycle_weight:
        for name, true, code in zip(("content_cycle", "motion_cycle"), true_codes, recovered, strict=True):
            losses[name] = chosen.latent_cycle_weight * latent_cycle_loss(true[:few], code)
    return losses | _joint_term(networks, some._replace(codes=found), made, true_codes, config)


def _feature_term(networks: Networks, real: Evidence, rebuilt: Tensor) -> Tensor:
    def seen(clips: Tensor) -> list[Tensor]:
        frames = rearrange(clips[:, :1], "b k c h w -> (b k) c h w")
        return [
            networks.frame_discriminator.features(frames).float(),
            networks.clip_discriminator.features(clips).float(),
        ]

    return feature_loss([features.detach() for features in seen(real.clips)], seen(rebuilt))


def _joint_term(networks: Networks, real: Evidence, made: Tensor, codes: Codes, config: Config) -> Losses:
    """The encoder's side of the joint game: (x, E(x)) should pass for (G(z), z).

    It is the discriminator's loss with the two roles exchanged (Donahue et al. 2017, eq. 3).
    """
    discriminator = networks.joint_discriminator
    if discriminator is None or real.codes is None:
        return {}
    game = adversarial_loss(config.adversarial.kind)
    of_real = discriminator(real.clips, real.codes, real.labels).logits
    of_fake = discriminator(made.detach(), Codes(*(part[: len(made)] for part in codes)), real.labels).logits
    return {"encoder_joint": config.joint_discriminator.weight * game.discriminator(of_fake.detach(), of_real)}


def keep_share_of_gradients(tensors: Iterable[Tensor], share: float) -> None:
    """Scale the gradients that some tensors have received so far."""
    for tensor in tensors:
        if tensor.grad is not None:
            tensor.grad.mul_(share)
