"""What the encoder minimises: reconstruction, cycles, and its side against discriminators of (clip, codes) pairs."""

from collections.abc import Mapping

import torch
from torch import Tensor

from videogan.config import AdversarialConfig, EncoderConfig
from videogan.losses.adversarial import adversarial_loss
from videogan.losses.reconstruction import feature_loss, latent_cycle_loss, reconstruction_loss
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator
from videogan.training.objective import Discriminators, Losses


def encoder_losses(
    encoder: Encoder,
    generator: Generator,
    discriminators: Discriminators,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    config: EncoderConfig,
) -> Losses:
    """Return the encoder's reconstruction and cycle terms; one whose weight is 0 is left out.

    Reconstruction and clip cycle ask G(E(x)) ~ x of real and of generated clips, the latent cycle E(G(z)) ~ z
    (Zhu et al. 2017, "Unpaired image-to-image translation", eq. 2, between clips and codes; Larsen et al. 2016 for the
    features). ``real`` comes with the codes that the encoder gives it, ``fake`` with those that it was made from;
    neither is augmented. ``generator`` decodes, and learns where its parameters require gradients.
    """
    assert real.codes is not None
    assert fake.codes is not None
    recovered, size = encoder(fake.clips), real.clips.shape[-1]
    losses: Losses = {}
    if config.reconstruction_weight or config.feature_weight:
        rebuilt = generator.reconstruct(real.codes.content, real.codes.motion_codes, real.labels, size)
        if config.reconstruction_weight:
            losses["reconstruction"] = config.reconstruction_weight * reconstruction_loss(
                real.clips, rebuilt, config.reconstruction
            )
        if config.feature_weight:
            losses["feature_reconstruction"] = config.feature_weight * _feature_loss(
                discriminators, real, real._replace(clips=rebuilt)
            )
    if config.clip_cycle_weight:
        again = generator.reconstruct(recovered.content, recovered.motion_codes, fake.labels, size)
        losses["clip_cycle"] = config.clip_cycle_weight * reconstruction_loss(fake.clips, again, config.reconstruction)
    if config.latent_cycle_weight:
        for name, code, true in zip(("content_cycle", "motion_cycle"), recovered, fake.codes, strict=True):
            losses[name] = config.latent_cycle_weight * latent_cycle_loss(true, code)
    return losses


def encoder_adversarial_losses(
    discriminators: Discriminators,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    config: AdversarialConfig,
    weights: Mapping[str, float],
) -> Losses:
    """Return the encoder's terms against discriminators that see codes: (x, E(x)) should pass for (G(z), z).

    The batches are those of :func:`encoder_losses`. Each term is the discriminator's own loss with the two roles
    exchanged (Donahue et al. 2017, eq. 3).
    """
    losses: Losses = {}
    for name, discriminator in discriminators.items():
        if discriminator.uses_codes:
            of_real = discriminator(real).logits
            of_fake = discriminator(fake._replace(clips=fake.clips.detach())).logits
            loss = adversarial_loss(config.kind).discriminator(of_fake.detach(), of_real)
            losses[f"encoder_{name}"] = weights[name] * loss
    return losses


def _feature_loss(discriminators: Discriminators, real: DiscriminatorInput, rebuilt: DiscriminatorInput) -> Tensor:
    def features(x: DiscriminatorInput) -> list[Tensor]:
        first_frame = x._replace(frame_order=torch.zeros_like(x.frame_order[:, :1]))
        parts = [discriminator.features(first_frame) for discriminator in discriminators.values()]
        return [feature.float() for part in parts for feature in part]

    return feature_loss([feature.detach() for feature in features(real)], features(rebuilt))
