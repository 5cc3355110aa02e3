"""Who may do what: persons, sessions, tokens, roles, and the audit of every act."""
