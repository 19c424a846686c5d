"""How content is read from its files: YAML into plain values, values into shapes, everything wrong in one sentence.

The library that reads YAML is imported with the first file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


def parsed(text: str) -> Any:
    """The plain values of a text; raises ValueError where it is not YAML."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C it takes a tenth of the time
    try:
        return yaml.load(text, loader)  # noqa: S506 -- both are safe loaders  # nosec B506
    except yaml.YAMLError as wrong:
        raise ValueError(f"not readable as YAML: {wrong}") from wrong


def read(path: Path) -> Any:
    """The plain values of a file; raises ValueError where it is not YAML or not UTF-8."""
    return parsed(path.read_text(encoding="utf-8"))


def written(values: dict[str, Any]) -> str:
    """Values as people like to read them: in their order, letters as they are."""
    import yaml

    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=110)


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


def shaped(shape: type[T], values: object) -> T:
    """Plain values as a pydantic model, or a list of them; raises ValueError with everything that is wrong."""
    from pydantic import ValidationError

    try:
        found: T = _adapter(cast(Any, shape)).validate_python(values)
    except ValidationError as wrong:
        lines = [".".join(map(str, error["loc"])) + ": " + error["msg"] for error in wrong.errors()]
        raise ValueError("; ".join(lines)) from wrong
    return found
