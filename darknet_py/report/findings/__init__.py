"""What a report says about its runs, computed once: deciding images, unfinished trainings, structure."""
