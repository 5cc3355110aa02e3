"""What people do with alarms, and what lies over rules because of it."""
