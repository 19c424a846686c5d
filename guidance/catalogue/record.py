"""The shape of one official record as a file of records gives it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from guidance.catalogue import normalise


class Method(BaseModel):
    """One way of handing in."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    channel: str
    duration: str = ""
    fee: str = ""
    note: str = ""
    ambiguous: bool = False

    @field_validator("channel")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in normalise.CHANNELS:
            raise ValueError("must be one of " + ", ".join(normalise.CHANNELS))
        return value


class Document(BaseModel):
    """One line of the papers."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    group: str = ""
    name: str = ""
    form_file: str = ""
    originals: int | None = None
    copies: int | None = None


class _Legal(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")
    title: str = ""
    number: str = ""


class _Result(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="allow")
    name: str = ""
    code: str = ""


class Record(BaseModel):
    """One official record as the file gives it; fields we do not know are kept in the original."""

    model_config = ConfigDict(defer_build=True, extra="allow", str_max_length=400_000)
    code: str | None = None
    name: str = Field(min_length=1)
    sector: str = ""
    level: list[str] = []
    agency: str = ""
    authority: str = ""
    coordinating_agency: str = ""
    receiving_address: str = ""
    publisher: str = ""
    decision: str = ""
    procedure_type: str = ""
    sequence: str = ""
    methods: list[Method] = []
    documents: list[Document] = []
    audience: list[str] = []
    legal_basis: list[_Legal] = []
    result: list[_Result] = []
    conditions: str = ""
    forms: list[str] = []
    online: bool = False
    url: str = ""
    source: str = ""

    @field_validator("code")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        if not value or not value.strip():
            return None
        code = normalise.national_code(value)
        if code is None:
            raise ValueError("is not a procedure code such as 1.001193")
        return code

    @field_validator("name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        name = " ".join(value.split())
        if not name:
            raise ValueError("is empty")
        return name

    @field_validator("level")
    @classmethod
    def _levels(cls, value: list[str]) -> list[str]:
        unknown = [level for level in value if level not in normalise.LEVELS]
        if unknown:
            raise ValueError(f"names {', '.join(unknown)}, which is no level of today")
        return value

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("is not an address that starts with https://")
        return value
