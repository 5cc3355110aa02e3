"""Days, periods and exempt intervals: what time means to the people who are judged by it."""
