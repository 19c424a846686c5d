"""The pages that browser tests and screenshots walk through."""

from __future__ import annotations

PUBLIC = {
    "home": "/",
    "search": "/search?q=khai%20sinh",
    "procedures": "/procedures/",
    "procedure": "/procedures/1.001193",
    "procedure leaflet": "/procedures/1.001193/print",
    "guides": "/guides/",
    "guide": "/guides/vneid-level-2",
    "guide leaflet": "/guides/vneid-level-2/print",
    "check": "/check",
    "places": "/places/",
    "help": "/help",
    "notices": "/notices/",
    "adoption": "/adoption/",
    "about": "/about",
    "privacy": "/privacy",
    "accessibility": "/accessibility",
    "components": "/about/components",
    "sign-in": "/sign-in",
    "not found": "/procedures/9.999999",
}
STAFF = {
    "desk": "/desk/",
    "reports": "/reports/",
    "editing": "/editing/",
    "accounts": "/admin/",
    "new account": "/admin/accounts/new",
    "audit log": "/admin/audit",
    "account": "/account",
    "password": "/account/password",
    "second step": "/account/second-step",
}
TEN_MAIN = (
    "home",
    "search",
    "procedure",
    "guide",
    "procedure leaflet",
    "places",
    "help",
    "adoption",
    "desk",
    "reports",
)
