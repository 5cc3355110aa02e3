"""Readings that change nothing, found for whole columns at once."""
