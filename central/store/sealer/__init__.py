"""Packing in a process of its own: it takes nothing from those who wait for an answer."""
