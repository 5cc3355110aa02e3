"""Tests: mirrors the code; `builders.py` and `fakes.py` make what they need."""
