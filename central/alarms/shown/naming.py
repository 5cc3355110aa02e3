"""What an alarm of a whole object is called (pure)."""

from protocols.catalogue import quantities
from protocols.words import Label


def of_object(label: Label, rule: str, quantity: str) -> Label:
    """Return the object's name; of a roll-up with what its points measure.

    An object has a roll-up for each quantity, whose id ends with it (docs/rules.md).
    """
    known = quantities().get(quantity)
    if known is None or not rule.endswith(f".{quantity}"):
        return label
    measured = known.label
    zh = f"{label.zh} {measured.zh}"
    return Label(zh, f"{label.en or label.zh} {measured.en or measured.zh}")
