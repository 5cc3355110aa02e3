"""A page of raw readings as JSON: columns encoded at once, as `models.Readings` describes them."""

import json

import numpy as np

from central.api.times import EPOCH, MICROSECOND, ZONE
from central.store.interface import ReadingsPage


def encode_page(page: ReadingsPage) -> bytes:
    """Return the page; times as RFC 3339 with the site's offset, to the microsecond."""
    ahead = ZONE.utcoffset(None) // MICROSECOND
    offset = EPOCH.astimezone(ZONE).isoformat()[-6:]
    local = (np.array(page.times, np.int64) + ahead).astype("datetime64[us]")
    times = [f"{moment}{offset}" for moment in np.datetime_as_string(local).tolist()]
    columns = {"time": times, "value": page.values, "quality": page.qualities}
    body = {"columns": columns, "next": page.next}
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
