"""Which network a weights file is of, by its number of floats and by its values."""
