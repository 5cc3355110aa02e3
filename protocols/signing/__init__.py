"""Who is speaking: keys, signed requests (RFC 9421) and signed answers (docs/wire.md section 6)."""
