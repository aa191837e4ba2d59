"""How good generated clips are: features, distances, diversity and motion. Tensors only, no files of clips."""
