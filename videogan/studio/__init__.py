"""The studio: a local page on which a trained model is played, clips are dropped, and runs are watched."""
