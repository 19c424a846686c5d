"""What the JSON door says of itself: one table of addresses, written out as OpenAPI 3.1."""

from typing import Any, NamedTuple

from guidance.desk.models import (
    ACCESS_NEEDS,
    AGE_BANDS,
    HELP_MODES,
    MINUTES,
    NEEDS,
    OUTCOMES,
    PLACES,
    REASONS,
)

Schema = dict[str, Any]


class Parameter(NamedTuple):
    """One parameter of an address."""

    name: str
    text: str
    schema: Schema
    where: str = "query"
    required: bool = False


class Operation(NamedTuple):
    """One address and method: what it does, takes and answers. `key` is how the caller is known, if at all."""

    method: str
    path: str
    summary: str
    answers: dict[int, str]
    schema: str
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None
    key: tuple[str, ...] = ()
    linked_data: bool = False


def _text(**more: Any) -> Schema:
    return {"type": "string", **more}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str = "", **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required.split()}


_NUMBER = {"type": "integer"}
_YES = {"type": "boolean"}
_DAY = _text(format="date")
_MONTH_OR_DAY = _text(pattern=r"^\d{4}-\d{2}(-\d{2})?$", examples=["2026-07"])

LANG = Parameter(
    "lang", "Language of the answer; a question may be in any language.", _text(enum=["vi", "en", "ur"])
)
LIMIT = Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200})
CURSOR = Parameter("cursor", "`next` of the page before.", _text())
UID = Parameter("case_uid", "The case's own name, given by the sender.", _text(), "path", True)
WHAT = (
    Parameter("sector", "Subject, as the official records name it.", _text()),
    Parameter("level", "Who decides.", _text(enum=["commune", "province", "ministry", "other"])),
    Parameter("online", "How far it can be done online.", _text(enum=["full", "partial", "channel", "counter", "online"])),
    Parameter("audience", "For whom, for example `citizen`.", _text()),
    Parameter("life_event", "Moment of life, for example `child`.", _text()),
    Parameter("agency", "Who carries it out: the name, with or without accents.", _text()),
)  # fmt: skip
PERIOD = (
    Parameter("from", "First month or day, included.", _MONTH_OR_DAY),
    Parameter("to", "Last month or day, included.", _MONTH_OR_DAY),
)
UNIT = Parameter("unit", "Code of a unit; `25@2025-06-30` names one of an earlier day.", _text())
CASE_ANSWERS = {
    401: "Nobody is signed in",
    403: "The account may not do this, or the request came from elsewhere",
    404: "No such case in your scope",
    409: "The month is closed, or the case has changed meanwhile",
    413: "The body is too large",
    422: "`errors` names every field that is wrong",
}
_SESSION = ("session",)

OPERATIONS = (
    Operation("get", "/search", "Procedures and guides for a question, best first.", {200: "Results"}, "Results",
              (Parameter("q", "The question, in the citizen's own words.", _text(maxLength=200)), LANG,
               Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 50}))),
    Operation("get", "/procedures", "Published procedures by code.", {200: "A page"},
              "Procedures", (LIMIT, CURSOR, *WHAT, LANG), linked_data=True),
    Operation("get", "/procedures/{code}", "One procedure, everything its page shows.",
              {200: "The procedure", 301: "The code was superseded; Location leads on", 404: "Not published here"},
              "Procedure",
              (Parameter("code", "Official code, or the site's own key `x-…`.", _text(), "path", True), LANG),
              linked_data=True),
    Operation("get", "/guides", "Published guides.", {200: "A page"}, "Guides", (LIMIT, CURSOR, LANG)),
    Operation("get", "/guides/{slug}", "One guide, step by step.", {200: "The guide", 404: "No such guide"}, "Guide",
              (Parameter("slug", "The guide's name in its address.", _text(), "path", True), LANG), linked_data=True),
    Operation("get", "/units", "Administrative units, old and new, and what took over from them.",
              {200: "A page"}, "Units",
              (LIMIT, CURSOR, Parameter("on", "Only units valid on this day.", _DAY),
               Parameter("kind", "Only units of this kind.", _text(enum=["province", "district", "commune"])),
               Parameter("code", "Only units with this code; with `@day`, the one of that day.", _text()),
               Parameter("parent", "Only units directly below the unit with this code.", _text()), LANG),
              linked_data=True),
    Operation("get", "/figures", "One indicator by month, unit or topic. Small counts are hidden without a key.",
              {200: "Figures", 401: "The key is not valid",
               403: "The unit is outside the key's scope or needs a key", 404: "No such indicator or unit",
               422: "The period or the grouping cannot be answered", 429: "Too many requests"}, "Figures",
              (Parameter("indicator", "Key of the indicator.", _text(examples=["assisted.people"])), UNIT, *PERIOD,
               Parameter("by", "What each row is about.", _text(enum=["month", "unit", "topic"])), LANG),
              key=("", "key")),
    Operation("get", "/figures/feed", "Every figure of the desk log by month and unit, for an operations centre.",
              {200: "Figures", 401: "A key is needed",
               403: "The unit is outside the key's scope", 404: "No such unit",
               422: "The period cannot be answered", 429: "Too many requests"}, "Feed", (UNIT, *PERIOD, LANG), key=("key",)),
    Operation("post", "/cases", "Store an assisted case once; the same `case_uid` again answers what is stored.",
              {201: "Stored", 200: "Known already", **CASE_ANSWERS}, "Case", (LANG,), "NewCase", _SESSION),
    Operation("post", "/cases/{case_uid}/correct", "Change what the body names; everything else stays.",
              {200: "Changed", **CASE_ANSWERS}, "Case", (UID, LANG), "Correction", _SESSION),
    Operation("post", "/cases/{case_uid}/void", "Take a case out of the figures; it stays visible.",
              {200: "Voided", **CASE_ANSWERS}, "Case", (UID, LANG), "Why", _SESSION),
    Operation("post", "/cases/{case_uid}/undo", "Take back one's own last act on a case, within a minute.",
              {200: "Undone", **CASE_ANSWERS}, "Case", (UID, LANG), "Nothing", _SESSION),
    Operation("get", "/openapi.json", "This description.", {200: "OpenAPI 3.1"}, "Anything"),
)  # fmt: skip

_CASE = {
    "topic": _text(description="`procedure:CODE`, `guide:SLUG` or `general`"),
    "need": _text(enum=list(NEEDS)),
    "help_mode": _text(enum=list(HELP_MODES)),
    "outcome": _text(enum=list(OUTCOMES)),
    "occurred_at": _text(description="Instant (ISO 8601) or `YYYY-MM-DD`"),
    "unit": _text(),
    "place": _text(enum=list(PLACES)),
    "reason": _text(enum=list(REASONS)),
    "people": {"type": "integer", "minimum": 1, "maximum": 500},
    "minutes": _text(enum=list(MINUTES)),
    "first_time": _YES,
    "age_band": _text(enum=list(AGE_BANDS)),
    "access_need": _text(enum=list(ACCESS_NEEDS)),
    "steps": _list(_text()),
    "failed_step": _text(),
    "note": _text(maxLength=300),
    "file_reference": _text(),
}
_FIGURE = _object(
    "key numerator denominator qualifier suppressed",
    key=_text(),
    numerator=_maybe({"type": "number"}),
    denominator=_maybe({"type": "number"}),
    qualifier=_maybe(_text()),
    suppressed=_YES,
)
_SUCCESSOR = _object(
    "code name relation", code=_text(), name=_text(), valid_from=_maybe(_DAY), relation=_text(enum=["whole", "split"])
)  # fmt: skip
_CARD = _object(
    "code name lang online url", code=_text(), name=_text(), lang=_text(), official_name=_maybe(_text()),
    summary=_maybe(_text()), sector=_maybe(_text()), levels=_list(_text()),
    online=_text(enum=["full", "partial", "channel", "counter"]), url=_text(),
)  # fmt: skip
_CHOICES = _object("question choices", question=_text(),
                   choices=_list(_object("label url", label=_text(), url=_text())))  # fmt: skip
SCHEMAS: dict[str, Schema] = {
    "Anything": {"type": "object"},
    "Nothing": {"type": "object"},
    "Problem": _object("type title status", type=_text(), title=_text(), status=_NUMBER,
                       errors={"type": "object", "additionalProperties": _text()}),
    "Results": _object("results clarify", results=_list(_object(
        "kind title url score", kind=_text(enum=["procedure", "guide"]), code=_text(), slug=_text(), title=_text(),
        url=_text(), score={"type": "number"})), clarify=_maybe(_CHOICES)),
    "Procedures": _object("procedures next", procedures=_list(_CARD), next=_maybe(_text())),
    "Procedure": _object(
        "key code status name lang online channels url", code=_maybe(_text()), key=_text(),
        status=_text(enum=["active", "superseded", "repealed"]), valid_from=_maybe(_DAY), valid_to=_maybe(_DAY),
        superseded_by=_list(_text()), name=_text(), lang=_text(),
        summary=_maybe(_text()), sector=_maybe(_text()), online=_text(), online_said=_list({"type": "object"}),
        channels=_list(_object(
            "channel time fee", channel=_text(enum=["online", "counter", "post"]), case=_maybe(_text()),
            time=_object("value unit text", value=_maybe({"type": "number"}), unit=_maybe(_text()), text=_maybe(_text())),
            fee=_object("amount currency text", amount=_maybe(_NUMBER), currency=_text(), text=_maybe(_text()),
                        set_by_province=_YES, valid_to=_maybe(_DAY)),
            note=_maybe(_text()), ambiguous=_YES, official=_YES, source=_maybe({"type": "object"}))),
        documents=_list({"type": "object"}), legal=_list({"type": "object"}), record=_maybe({"type": "object"}),
        guidance=_maybe({"type": "object"}), sources={"type": "object"}, before=_list(_text()), after=_list(_text()),
        related=_list(_text()), former_codes=_list(_text()), changes=_list({"type": "object"}), url=_text()),
    "Guides": _object("guides next", guides=_list(_object(
        "slug title lang url", slug=_text(), title=_text(), lang=_text(), summary=_text(), group=_text(), url=_text())),
        next=_maybe(_text())),
    "Guide": _object("slug title lang steps url", slug=_text(), title=_text(), lang=_text(), steps=_list({"type": "object"}),
                     url=_text()),
    "Units": _object("units next", units=_list(_object(
        "code name kind parent valid_from valid_to successors", code=_text(), name=_text(),
        kind=_text(enum=["province", "district", "commune"]), parent=_maybe(_text()), valid_from=_maybe(_DAY),
        valid_to=_maybe(_DAY), successors=_list(_SUCCESSOR))), next=_maybe(_text())),
    "Figures": _object("indicator unit from to rows definition source", indicator=_text(), unit=_maybe(_text()),
                       **{"from": _text()}, to=_text(), rows=_list(_FIGURE), definition=_text(), source=_text()),
    "Feed": {"type": "object"},
    "Case": _object("case_uid topic outcome", case_uid=_text(), topic=_text(), outcome=_text()),
    "NewCase": _object("case_uid topic need help_mode outcome",
                       case_uid=_text(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$"), **_CASE),
    "Correction": _object("why", why=_text(), **_CASE),
    "Why": _object("why", why=_text()),
}  # fmt: skip


def _answer(operation: Operation, status: int, text: str) -> Schema:
    if status == 301:
        return {"description": text, "headers": {"Location": {"schema": _text()}}}
    if status >= 400:
        return {"description": text, "content": {"application/problem+json": {"schema": _ref("Problem")}}}
    content: Schema = {"application/json": {"schema": _ref(operation.schema)}}
    if operation.linked_data:
        content["application/ld+json"] = {"schema": _ref("Anything")}
    return {"description": text, "content": content}


def _operation(operation: Operation) -> Schema:
    told: Schema = {
        "summary": operation.summary,
        "operationId": operation.method + operation.path.replace("/", "_").replace("{", "").replace("}", ""),
        "parameters": [
            {
                "name": one.name,
                "in": one.where,
                "description": one.text,
                "required": one.required,
                "schema": one.schema,
            }
            for one in operation.parameters
        ],
        "responses": {
            str(status): _answer(operation, status, text)
            for status, text in sorted(({400: "The request cannot be read"} | operation.answers).items())
        },
    }
    if operation.body:
        content = {"application/json": {"schema": _ref(operation.body)}}
        told["requestBody"] = {"required": True, "content": content}
    if operation.key:
        told["security"] = [{name: []} if name else {} for name in operation.key]
    return told


def document(title: str, site: str) -> Schema:
    """The description of the whole API; `site` is the absolute address of the site."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault("/api/v1" + operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": title,
            "version": "1",
            "description": "Everybody may read. Errors are problem+json (RFC 9457). Answers carry an ETag; "
            "send it back in If-None-Match and unchanged answers cost nothing.",
        },
        "servers": [{"url": site or "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key from the administration page.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-session",
                    "description": "The session of a signed-in person; send Origin or Sec-Fetch-Site, too.",
                },
            },
        },
    }
