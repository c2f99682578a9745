"""Images verified before work begins, and data sets without those that cannot be read."""
