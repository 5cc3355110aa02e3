"""What each gateway is told to judge by, and what people did with its alarms."""
