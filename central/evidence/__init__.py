"""Proof: signed chain heads for ever, evidence for its retention, verifying and handing out."""
