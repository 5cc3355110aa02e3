"""What the command line asks about gateways, as plain data: the same by itself and by the socket.

A command works on the database itself where no collector runs, else it asks the one that does; both
end here. What comes in and goes out is JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from central.enrolment.acts import Wanted
from central.enrolment.clones import HeldBoot
from central.enrolment.codes import WorkOrder
from central.enrolment.office import Office

Told = dict[str, Any]


async def answer(office: Office, asked: Mapping[str, Any]) -> Told:
    """Do what `asked` says (`verb`, `by`, and what the verb needs) and tell what came of it.

    Raises KeyError for a verb of another version, FengsuiError for what is refused.
    """
    return await _VERBS[asked["verb"]](office, asked)


async def _code(office: Office, asked: Mapping[str, Any]) -> Told:
    order = asked["order"]
    wanted = Wanted(
        gateway=asked["gateway"],
        by=asked["by"],
        site=asked["site"],
        order=None if order is None else WorkOrder(**order),
        opens=asked["opens"],
        expires=asked["expires"],
    )
    return asdict(await office.acts.code(wanted)) | {"ca": office.itself().ca}


async def _list(office: Office, asked: Mapping[str, Any]) -> Told:
    """Only what is about one gateway, where one is named; the same bounds as everywhere."""
    picture, only = await office.acts.picture(), asked["gateway"]

    def about(each: Any) -> bool:
        return only is None or each.gateway == only

    return {
        "codes": [asdict(each) for each in picture.codes if about(each)],
        "keys": [
            {
                "keyid": each.keyid,
                "gateway": each.gateway,
                "state": each.standing,
                "digits": each.code.digits if each.code and each.state == "pending" else None,
            }
            for each in picture.keys
            if about(each)
        ],
        "held": [asdict(each) for each in picture.held if about(each)],
    }


async def _approve(office: Office, asked: Mapping[str, Any]) -> Told:
    done = await office.acts.approve(asked["gateway"], asked["answer"], asked["by"])
    if isinstance(done, HeldBoot):
        return {"boot": done.boot}
    return {"keyid": done.keyid}


async def _refuse(office: Office, asked: Mapping[str, Any]) -> Told:
    return {"ended": await office.acts.refuse(asked["gateway"], asked["answer"], asked["by"])}


async def _revoke(office: Office, asked: Mapping[str, Any]) -> Told:
    return {"ended": await office.acts.revoke(asked["gateway"], asked["by"])}


_VERBS = {
    "code": _code,
    "list": _list,
    "approve": _approve,
    "refuse": _refuse,
    "revoke": _revoke,
}
