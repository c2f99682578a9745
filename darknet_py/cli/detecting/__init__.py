"""What the verb `detect` reports."""
