"""Models for other programs: the streaming step as one graph, which is run in a loop without videogan."""
