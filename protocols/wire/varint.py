"""Variable length integers: LEB128, seven bits a byte, low first, shortest form.

`uvar` holds 0 to 2**64 - 1 in at most ten bytes; `svar` holds an int64, mapped to 0, -1, 1, -2 ...
(zigzag). Reading is in `reader`.
"""

from collections.abc import Sequence


def put_uvar(out: bytearray, number: int) -> None:
    """Append `number` (0 to 2**64 - 1) to `out`."""
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def put_uvars(out: bytearray, numbers: Sequence[int]) -> None:
    """Append each of `numbers` (at least one) to `out`."""
    if max(numbers) < 128:
        out += bytes(numbers)
        return
    for number in numbers:
        put_uvar(out, number)


def put_svar(out: bytearray, number: int) -> None:
    """Append the int64 `number` to `out`."""
    put_uvar(out, zigzag(number))


def zigzag(number: int) -> int:
    """Return the unsigned number that stands for the int64 `number`."""
    return number << 1 if number >= 0 else ~(number << 1)


def unzigzag(number: int) -> int:
    """Return the int64 that the unsigned `number` stands for."""
    return number >> 1 ^ -(number & 1)
