"""Layers that read several maps."""
