"""Enrolment as metrics: codes, keys and held starts by state, and what the desk refused."""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from central.enrolment import refusals
from central.enrolment.figures import EnrolmentFigures

REFUSED: Final = (
    refusals.CodeRefused.code,
    refusals.ProofRefused.code,
    refusals.BeginAgain.code,
    refusals.KeyEnded.code,
    refusals.CertificateUnknown.code,
    refusals.EnrolmentLocked.code,
)
"""What a gateway that enrols is refused with; what people do wrong at the page is none of it."""


def enrolment_metrics(figures: EnrolmentFigures) -> Iterator[Metric]:
    """Return the families; every state has a sample."""
    told = (
        ("fengsui_enrolment_codes", "Enrolment codes ever made", figures.codes),
        ("fengsui_gateway_keys", "Keys of gateways ever shown", figures.keys),
        ("fengsui_held_starts", "Starts that took turns with another of one key", figures.starts),
    )
    for name, meaning, counts in told:
        family = GaugeMetricFamily(name, f"{meaning}, by what became of them", labels=["state"])
        for state, count in counts.items():
            family.add_metric([state], count)
        yield family


def enrolment_refused(refused: Mapping[str, int]) -> Metric:
    """Return what gateways that enrol were refused with, of all that was `refused`."""
    family = CounterMetricFamily(
        "fengsui_enrolment_refused",
        "Hellos and proofs of enrolment refused since the start",
        labels=["code"],
    )
    for code in REFUSED:
        family.add_metric([code], refused.get(code, 0))
    return family
