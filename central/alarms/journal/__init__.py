"""Episodes and the journal: as structs, as tables, written once per commit, followed by others."""
