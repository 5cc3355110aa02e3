"""Whole scans of journal rows as tables: packed without a column for each reading."""
