"""What lies on disk beside videos: latents of clips, and the provenance that a video carries."""
