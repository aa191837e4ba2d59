"""The networks. They see tensors only: never a file, never a data set."""
