"""Engines side by side: how fast each is, how soon it starts, how much memory it takes."""
