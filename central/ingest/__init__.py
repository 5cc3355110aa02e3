"""Takes what gateways send (docs/wire.md): proves it, writes it once, then answers."""
