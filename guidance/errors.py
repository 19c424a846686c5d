"""The sentences and status codes of everything a person can get wrong; web.py answers with them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l


class UserError(Exception):
    """Something a person can understand and mend: carries its own sentence and HTTP status."""

    status = 400
    message: object = _l("That did not work.")

    def __init__(self, message: object | None = None) -> None:
        super().__init__(str(type(self).__name__))
        if message is not None:
            self.message = message


class NotFound(UserError):
    """There is nothing at this address."""

    status = 404
    message = _l("There is no such page.")


class SignInNeeded(UserError):
    """The page is for staff; the visitor has no session."""

    status = 401
    message = _l("Please sign in first.")


class NotAllowed(UserError):
    """The signed-in person may not do this."""

    status = 403
    message = _l("Your account is not allowed to do this. Ask your administrator if you need it.")


class StrangeOrigin(UserError):
    """A request that changes something did not come from a page of this site."""

    status = 403
    message = _l(
        "This request did not come from a page of this site, so nothing was changed. Open the page again and retry."
    )


class TooManyAttempts(UserError):
    """The throttle is closed for this account or address."""

    status = 429
    message = _l("Too many attempts. Wait a few minutes, then try again.")


class TooLarge(UserError):
    """The body of the request is over the limit of its address."""

    status = 413
    message = _l("That is too large to send. Nothing was stored.")


class Conflict(UserError):
    """Somebody else changed the same thing meanwhile."""

    status = 409
    message = _l(
        "Somebody else changed this meanwhile. Nothing of yours is lost; compare both and save again."
    )


class UnstorableText(UserError):
    """A character that no database keeps, such as NUL, or a number beyond all bounds."""

    status = 400
    message = _l("That contains a character or number that cannot be stored. Nothing was changed.")


class Unavailable(UserError):
    """The database cannot be reached or written."""

    status = 503
    message = _l(
        "The site cannot reach its data right now. Nothing was changed. Please try again in a minute."
    )


class ImportRefused(UserError):
    """A file could not be read; the message says where and why. Nothing was stored."""

    status = 422
    message = _l("This file could not be read. Nothing was stored.")
