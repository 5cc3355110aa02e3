"""Modbus (Application Protocol V1.1b3).

Codec and plan are pure, the driver speaks, the simulator answers.
"""
