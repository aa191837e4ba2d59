"""The clip cache: videos at training size, decoded once, in parts that several processes fill and all runs share."""
