"""Text: a cfg file as lines, sections, keys and values, each with its place."""
