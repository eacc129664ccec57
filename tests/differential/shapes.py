"""The shapes of models that apps on FastAPI Users 9 have."""

from typing import Any, Optional

import pydantic
from fastapi_users import models
from fastapi_users.authentication.strategy.db import BaseAccessToken

__all__ = ["SHAPES", "AccessToken", "Part", "model"]


class Whole(models.BaseUserDB, models.BaseOAuthAccountMixin):
    nick: Optional[str] = None  # noqa: UP045


class Few(models.BaseUserDB, models.BaseOAuthAccountMixin):
    """Fewer fields than there are columns."""


class Without(models.BaseUserDB):
    """No accounts."""

    nick: Optional[str] = None  # noqa: UP045


class Private(Whole):
    _seen_by: str = pydantic.PrivateAttr("nobody")
    note_to_self: str = pydantic.Field("a note", exclude=True)


class Underscore(Whole):
    _seen_by: str = "nobody"

    class Config:
        underscore_attrs_are_private = True


class Alias(models.BaseUserDB, models.BaseOAuthAccountMixin):
    name: Optional[str] = pydantic.Field(None, alias="nick")  # noqa: UP045

    class Config:
        allow_population_by_field_name = True

    def dict(self, **options: Any) -> Any:
        return super().dict(**{**options, "by_alias": True})


class Frozen(Whole):
    class Config:
        allow_mutation = False


class Hashable(Whole):
    class Config:
        frozen = True


class Forbid(Whole):
    class Config:
        extra = "forbid"


class Allow(models.BaseUserDB, models.BaseOAuthAccountMixin):
    class Config:
        extra = "allow"


class Upper(Whole):
    class Config:
        validate_assignment = True

    @pydantic.validator("nick")
    def upper(cls, value: Any) -> Any:  # noqa: N805
        return value and value.upper()


class Secret(Whole):
    """What is stored is not what the model has."""

    @pydantic.validator("nick", pre=True)
    def decrypt(cls, value: Any) -> Any:  # noqa: N805
        return value[4:] if value and value.startswith("enc:") else value

    def dict(self, **options: Any) -> Any:
        values = super().dict(**options)
        if values.get("nick") is not None:
            values["nick"] = "enc:" + values["nick"]
        return values


class Picky(Whole):
    """It refuses some rows."""

    @pydantic.validator("nick")
    def not_anne(cls, value: Any) -> Any:  # noqa: N805
        if value == "anne":
            raise ValueError("anne is refused")
        return value


class Needing(Whole):
    """It needs what the table does not have."""

    needed: str


class Root(Whole):
    @pydantic.root_validator
    def whole(cls, values: Any) -> Any:  # noqa: N805
        values["is_verified"] = bool(values.get("is_verified")) and values.get("nick") != "ANNE"
        return values


class Stripped(Whole):
    class Config:
        anystr_strip_whitespace = True
        use_enum_values = True
        validate_all = True


class Own(Whole):
    kind: str = pydantic.Field("?", exclude=True)

    @classmethod
    def from_orm(cls, instance: Any) -> Any:
        made = super().from_orm(instance)
        made.kind = type(instance).__name__
        return made


class Getter(pydantic.utils.GetterDict):
    def get(self, key: Any, default: Any = None) -> Any:
        if key == "kind":
            return type(self._obj).__name__
        return super().get(key, default)


class Getting(Whole):
    kind: str = pydantic.Field("?", exclude=True)

    class Config:
        getter_dict = Getter


class Equal(Whole):
    """All are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equal)

    def __bool__(self) -> bool:
        return False


SHAPES = {
    shape.__name__.lower(): shape
    for shape in (
        *(Whole, Few, Without, Private, Underscore, Alias, Frozen, Hashable, Forbid, Allow, Upper),
        *(Secret, Picky, Needing, Root, Stripped, Own, Getting, Equal),
    )
}


class AccessToken(BaseAccessToken):
    pass


class Part(pydantic.BaseModel):
    """A model of the app's that is no user."""

    id: Any
    is_active: bool = False


def model(shape: str, kind: str, fields: Any) -> Any:
    """Return a model of a shape, with fields for the columns of a kind of tables."""
    made: Any = dict.fromkeys(fields, (Any, None))
    token, account = AccessToken, models.BaseOAuthAccount
    if kind in ("text", "numbers"):
        of_id: Any = (str if kind == "text" else int, ...)
        account = pydantic.create_model("Account", __base__=account, id=of_id)
        token = pydantic.create_model("Token", __base__=token, user_id=of_id)
        made["id"] = of_id
        if shape != "without":
            made["oauth_accounts"] = (list[account], [])
    base = SHAPES[shape]
    user = pydantic.create_model(base.__name__, __base__=base, __module__=__name__, **made)
    return user, account, token
