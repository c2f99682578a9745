"""A graph as a picture: what is drawn as one box, where the boxes lie, and the SVG."""
