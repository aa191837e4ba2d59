"""Videos on disk to training batches: which frames, which files, the clip cache, the loader, synthetic sets."""
