"""A network and its weights as a file for other programs, checked against the network before it is kept."""
