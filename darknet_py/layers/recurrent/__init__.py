"""Recurrent layers: shapes and costs; they are not executable."""
