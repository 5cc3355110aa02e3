"""Kinds of rules: each makes of readings what the ladder of levels is held against."""
