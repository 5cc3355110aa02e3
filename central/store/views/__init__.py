"""Reading what is in chunks, journal and late rows as one."""
