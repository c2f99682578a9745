"""Label files as Darknet and YOLO trainers write them, in lists and folders."""
