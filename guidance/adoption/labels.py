"""Words for the desk's reasons, places and task states, as reports say them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

REASONS = {
    "no_phone": _l("No suitable phone"),
    "sim": _l("SIM not in one's own name"),
    "no_level_2": _l("No level 2 account"),
    "no_code": _l("The code (OTP) did not come"),
    "nfc": _l("The chip could not be read (NFC)"),
    "face": _l("The face was not recognised"),
    "mismatch": _l("Data do not match"),
    "papers": _l("Papers missing"),
    "payment": _l("Payment failed"),
    "system": _l("The system failed"),
    "other": _l("Other reason"),
    "": _l("No reason noted"),
}
PLACES = {
    "centre": _l("At the service centre"),
    "hamlet": _l("In the hamlet"),
    "home": _l("At home"),
    "phone": _l("By telephone"),
    "online": _l("Online"),
}
TASK_STATES = {
    "open": _l("Open"),
    "on_schedule": _l("On schedule"),
    "late": _l("Late"),
    "done": _l("Done"),
    "stopped": _l("Stopped"),
}
