"""Readings that arrive late (补传): what they tell of the past, and what of it still stands."""
