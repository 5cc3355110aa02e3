"""What collector and gateways agree on about TLS: names, certificates, the statement of trust."""
