"""Alarms that a gateway found itself, joined with what is found here."""
