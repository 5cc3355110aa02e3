"""Variable length integers: LEB128, seven bits a byte, low first, shortest form.

`uvar` holds 0 to 2**64 - 1 in at most ten bytes; `svar` holds an int64, mapped to 0, -1, 1, -2 ...
(zigzag). Reading is in `reader`.
"""


def uvar(number: int) -> bytes:
    """Return the shortest form of `number` (0 to 2**64 - 1)."""
    out = bytearray()
    put_uvar(out, number)
    return bytes(out)


def put_uvar(out: bytearray, number: int) -> None:
    """Append `number` (0 to 2**64 - 1) to `out`."""
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def put_svar(out: bytearray, number: int) -> None:
    """Append the int64 `number` to `out`."""
    put_uvar(out, number << 1 if number >= 0 else ~(number << 1))
