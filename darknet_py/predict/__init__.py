"""Images to detections: letterbox, network, decoding, NMS, and back to pixels of the image."""
