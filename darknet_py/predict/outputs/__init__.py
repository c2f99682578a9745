"""What `detect` writes beside its entries: drawn pictures and videos, label files, crops, COCO results."""
