"""A comparison: variants x seeds, trained and evaluated, resumable."""
