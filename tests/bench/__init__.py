"""Figures, one JSON object a line, never a pass or a fail."""
