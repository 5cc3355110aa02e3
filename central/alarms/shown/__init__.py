"""Alarms as people see them: lists, one with its history, sentences, the next limit."""
