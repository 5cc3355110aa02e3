"""What two parties must agree on: words, errors, time, the wire, alarm logic, field languages.

`edge` and `central` import from here; nothing here imports from them.
"""
