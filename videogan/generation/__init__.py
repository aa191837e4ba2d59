"""Videos from latents: sampled, looped, morphed, continued, and found again in given clips."""
