"""Files: written atomically, and read with bounds where somebody else wrote them."""
