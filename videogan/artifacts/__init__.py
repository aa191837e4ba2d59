"""What lies on disk beside videos: runs, checkpoints, weights, latents, and the provenance that a video carries."""
