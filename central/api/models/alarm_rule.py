"""What an alarm is judged by."""

from central.api.models.words import Answer


class JudgedInput(Answer):
    """One input of the rule: a `point`, or the `rule` whose level is counted.

    `op` and `limit`: what this input alone is held against; null: the rule says it otherwise.
    """

    name: str
    point: str | None
    rule: str | None
    op: str | None
    limit: float | None


class JudgedBy(Answer):
    """The rule of an alarm: its kind and its inputs, and what a shelf over it may be.

    `longest_shelf_s`: the longest shelf allowed, of the rule or of this house; `second_person`:
    a shelf begins only when another person confirms it.
    """

    rule: str
    version: int
    kind: str
    inputs: list[JudgedInput]
    longest_shelf_s: float
    second_person: bool
