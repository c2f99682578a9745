"""What a network is trained for: detection or classification, chosen once a graph."""
