"""Many alarms at once: floods, chatter, the first of an object, what carries many points."""
