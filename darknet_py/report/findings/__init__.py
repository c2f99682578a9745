"""What a report says about its runs, computed once: deciding images, groups of objects, structure."""
