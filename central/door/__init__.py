"""The door for others' systems: readings as JSON or CSV, taken as a gateway's are."""
