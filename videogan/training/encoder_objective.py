"""What the encoder minimises: reconstruction, cycles, and its side against discriminators of (clip, codes) pairs."""

from collections.abc import Mapping

import torch
from torch import Tensor

from videogan.config import AdversarialConfig, Config, EncoderConfig
from videogan.losses.adversarial import adversarial_loss
from videogan.losses.reconstruction import feature_loss, latent_cycle_loss, reconstruction_loss
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.encoder import Codes, Encoder
from videogan.models.generator import Generator
from videogan.training.objective import Discriminators, Losses, generator_losses, weighed


def encoder_losses(
    encoder: Encoder,
    generator: Generator,
    discriminators: Discriminators,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    recovered: Codes,
    config: EncoderConfig,
) -> Losses:
    """Return the encoder's reconstruction and cycle terms; one whose weight is 0 is left out.

    Reconstruction and clip cycle ask G(E(x)) ~ x of real and of generated clips, the latent cycle E(G(z)) ~ z
    (Zhu et al. 2017, "Unpaired image-to-image translation", eq. 2, between clips and codes; Larsen et al. 2016 for the
    features). ``real`` comes with the codes that the encoder gives it, ``fake`` with those that it was made from;
    ``recovered`` are those that the encoder gives ``fake``. Neither is augmented. ``generator`` decodes, and learns
    where its parameters require gradients.
    """
    assert real.codes is not None
    assert fake.codes is not None
    size = real.clips.shape[-1]
    losses: Losses = {}
    if config.reconstruction_weight or config.feature_weight:
        rebuilt = generator.reconstruct(real.codes.content, real.codes.motion_codes, real.labels, size)
        if config.reconstruction_weight:
            difference = reconstruction_loss(real.clips, rebuilt, config.reconstruction)
            losses["reconstruction"] = weighed(config.reconstruction_weight, difference)
        if config.feature_weight:
            difference = _feature_loss(discriminators, real, real._replace(clips=rebuilt))
            losses["feature_reconstruction"] = weighed(config.feature_weight, difference)
    if config.clip_cycle_weight:
        again = generator.reconstruct(recovered.content, recovered.motion_codes, fake.labels, size)
        difference = reconstruction_loss(fake.clips, again, config.reconstruction)
        losses["clip_cycle"] = weighed(config.clip_cycle_weight, difference)
    if config.latent_cycle_weight:
        for name, code, true in zip(("content_cycle", "motion_cycle"), recovered, fake.codes, strict=True):
            losses[name] = weighed(config.latent_cycle_weight, latent_cycle_loss(true, code))
    return losses


def other_class_losses(
    encoder: Encoder,
    generator: Generator,
    discriminators: Discriminators,
    real: DiscriminatorInput,
    config: Config,
    weights: Mapping[str, float | Tensor],
) -> Losses:
    """Return the terms of real clips that are shown as another class; ``real`` comes with its codes.

    Translation: shown as class b, they should pass for real clips of b (Zhu et al. 2017, eq. 1); ``weights`` are by
    discriminator, and those that see codes are not asked. The class cycle asks G(E(G(E(x), b)), a) ~ x (eq. 2). The
    recurrent one asks the same of the motion codes that the dynamics, without noise, foretell from each latent step of
    the clip as b (Bansal et al. 2018, "Recycle-GAN", eq. 5, there with a network for the next frame).
    """
    terms = config.encoder
    if not terms.shows_other_classes:
        return {}
    assert real.codes is not None
    assert real.labels is not None
    size, others = real.clips.shape[-1], other_classes(real.labels, generator.num_classes)
    shown = generator.reconstruct(*real.codes, others, size)
    losses: Losses = {}
    if terms.translation_weight:
        asked = {name: one for name, one in discriminators.items() if not one.uses_codes}
        with torch.no_grad():
            real_logits = {name: discriminator(real).logits for name, discriminator in asked.items()}
        other = real._replace(clips=shown, labels=others)
        judged = generator_losses(asked, other, real_logits, config.adversarial, weights)
        losses["translation"] = weighed(terms.translation_weight, torch.stack(list(judged.values())).sum())
    if not (terms.class_cycle_weight or terms.recurrent_cycle_weight):
        return losses
    content, motion_codes = encoder(shown)
    for name, weight in (("class", terms.class_cycle_weight), ("recurrent", terms.recurrent_cycle_weight)):
        if weight:
            if name == "recurrent":
                motion_codes = generator.foretell(content, motion_codes, others)
            back = generator.reconstruct(content, motion_codes, real.labels, size)
            difference = reconstruction_loss(real.clips, back, terms.reconstruction)
            losses[f"{name}_cycle"] = weighed(weight, difference)
    return losses


def other_classes(labels: Tensor, num_classes: int) -> Tensor:
    """Return for each of the labels ``(b)`` another class; over batches every one, since the labels decide which."""
    rows = torch.arange(len(labels), device=labels.device)
    return (labels + 1 + (rows + labels.sum()) % (num_classes - 1)) % num_classes


def encoder_adversarial_losses(
    discriminators: Discriminators,
    real: DiscriminatorInput,
    fake: DiscriminatorInput,
    config: AdversarialConfig,
    weights: Mapping[str, float | Tensor],
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
            losses[f"encoder_{name}"] = weighed(weights[name], loss)
    return losses


def _feature_loss(discriminators: Discriminators, real: DiscriminatorInput, rebuilt: DiscriminatorInput) -> Tensor:
    both = DiscriminatorInput.cat([real, rebuilt])
    first_frame = both._replace(frame_order=torch.zeros_like(both.frame_order[:, :1]))
    features = [one for discriminator in discriminators.values() for one in discriminator.features(first_frame)]
    count = len(real.clips)
    of_real, of_rebuilt = zip(*((one[:count].detach().float(), one[count:].float()) for one in features), strict=True)
    return feature_loss(of_real, of_rebuilt)
