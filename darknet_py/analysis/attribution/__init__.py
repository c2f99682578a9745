"""What pools are worth to trained weights: AP without a branch, and after an edit, without training."""
