"""The wire format: round trips, one form only, total decoders, fixtures, the document."""
