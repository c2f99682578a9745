"""Images and boxes: COCO folders, Darknet lists, and scenes drawn on the spot, behind one `Dataset`."""
