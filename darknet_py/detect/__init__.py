"""From images to detections: fit, network, decode, NMS, and back to the pixels of the image."""
