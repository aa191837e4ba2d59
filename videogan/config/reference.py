"""Every setting in words: its name, its value, what it may be, and what it does."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic import BaseModel
from pydantic.fields import FieldInfo

LARGEST = 2**32
"""Bounds above this keep a number within a machine's range; nobody needs to read them."""


class Setting(NamedTuple):
    """One setting, as ``--set name=value`` takes it."""

    name: str
    value: Any
    allowed: str
    about: str


def settings(config: BaseModel) -> list[Setting]:
    """Return every setting of a config with its value; those of kinds that the config does not have, their defaults."""
    return [
        setting
        for group, field in type(config).model_fields.items()
        if isinstance(getattr(config, group), BaseModel)
        for setting in _of_group(group, getattr(config, group), _kinds(field.annotation))
    ]


def _kinds(annotation: Any) -> list[type[BaseModel]]:
    """Return the model that a group is, or all those that it may be."""
    parts = get_args(annotation) or (annotation,)
    return [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]


def _of_group(group: str, value: BaseModel, kinds: list[type[BaseModel]]) -> Iterator[Setting]:
    if len(kinds) > 1:
        abouts = [f"{_kind(kind)}: {kind.model_fields['kind'].description}".rstrip(".") for kind in kinds]
        yield Setting(f"{group}.kind", _kind(type(value)), _either([*map(_kind, kinds)]), f"{'; '.join(abouts)}.")
    owners: dict[str, list[type[BaseModel]]] = {}
    for kind in sorted(kinds, key=lambda kind: type(value) is not kind):
        for name in kind.model_fields:
            owners.setdefault(name, []).append(kind)
    for name, own in owners.items():
        if len(kinds) > 1 and name == "kind":
            continue
        field = own[0].model_fields[name]
        whose = f" Of {_either([_kind(kind) for kind in own])}." if len(kinds) > 1 else ""
        yield Setting(
            f"{group}.{name}", getattr(value, name, field.default), allowed(field), f"{field.description or ''}{whose}"
        )


def _kind(model: type[BaseModel]) -> str:
    return str(model.model_fields["kind"].default)


def allowed(field: FieldInfo) -> str:
    """Return in words what values a field takes."""
    return _allowed(field.annotation, field.metadata)


def _allowed(annotation: Any, metadata: list[Any]) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        bounds = [bound for extra in parts[1:] for bound in getattr(extra, "metadata", [])]
        return _allowed(parts[0], bounds)
    if origin is Literal:
        return _either([str(part) for part in parts])
    if origin in (Union, UnionType):
        return _either([_allowed(part, metadata) for part in parts])
    if origin is tuple:
        return f"a list: {_allowed(parts[0], [])}"
    if annotation is NoneType:
        return "null"
    if annotation is bool:
        return "true or false"
    if annotation in (int, float):
        return _range("a whole number" if annotation is int else "a number", metadata)
    return "text"


def _range(what: str, bounds: list[Any]) -> str:
    words = [what]
    for bound in bounds:
        match bound:
            case Ge(least):
                words.append(f"from {least}")
            case Gt(least):
                words.append(f"above {least}")
            case Le(most) if float(str(most)) <= LARGEST:
                words.append(f"to {most}")
            case Lt(most) if float(str(most)) <= LARGEST:
                words.append(f"below {most}")
            case MultipleOf(step):
                words.append(f"in steps of {step}")
    return " ".join(words)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
