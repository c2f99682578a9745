"""Images that have one class each."""
