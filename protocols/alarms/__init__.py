"""Alarm logic shared by gateway and centre: pure functions, time is an argument."""
