"""Proof of what a gateway delivered: chains recomputed, signatures checked, damage named.

`python -m protocols.verify FOLDER --key KEY` needs an exported folder and the gateway's public key,
nothing of a collector: only `protocols` and a library for signatures (`cryptography`, `pynacl`).
"""
