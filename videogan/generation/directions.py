"""Directions in which the content of a model's videos varies most."""

import torch
from torch import Tensor

from videogan.generation.sampling import latent_stream
from videogan.models.generator import Generator
from videogan.models.latents import content_code

SAMPLES = 2048


@torch.no_grad()
def content_directions(generator: Generator, count: int = 2) -> Tensor:
    """Return directions in the content noise ``(count d)``, each as long as one standard deviation along it.

    GANSpace (Harkonen et al. 2020, section 2.2): the principal components of what the first dense layers make of many
    content codes, and by linear regression the directions in the noise that move the features along them. Here the
    features of each class vary about their own mean, and the motion code is held at 0.
    """
    device = next(generator.parameters()).device
    noise = latent_stream(generator, range(SAMPLES)).content_noise.to(device)
    labels = torch.arange(SAMPLES, device=device) % max(1, generator.num_classes)
    condition = generator.condition(content_code(noise, generator.prior), labels)
    still = torch.zeros(SAMPLES, generator.motion_dim, device=device)
    features = generator.codes(torch.cat([condition, generator.motion(still)], dim=1)).double()
    for label in labels.unique():
        features[labels == label] -= features[labels == label].mean(dim=0)
    coordinates = torch.linalg.svd(features, full_matrices=False).U[:, :count] * SAMPLES**0.5
    directions = torch.linalg.lstsq(coordinates, noise.double()).solution
    # The sign of a component means nothing; the largest number of each is made positive.
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    return (directions * largest.sign()).float()
