"""Arrays in, statements about differences out."""
