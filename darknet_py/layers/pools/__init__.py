"""One file a way of pooling; `base.py` is the window, the rest are rules."""
