"""What `detect` reads: images, folders, lists, videos, cameras and streams."""
