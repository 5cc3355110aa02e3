"""How good the alarms are: figures from the journal, and what the literature asks."""
