"""TLS of the collector: its own CA and certificate, or given ones, and what gateways trust."""
