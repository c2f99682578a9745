"""The pages of a comparison that is not finished: what is missing, and when they are written."""
