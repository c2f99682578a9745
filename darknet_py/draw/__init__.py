"""A graph as SVG: blocks, their layout, and the drawing."""
