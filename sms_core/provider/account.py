"""The account that a provider works for: who asks, and where."""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeVar

from attrs import field, frozen

OptionsT = TypeVar("OptionsT")


@frozen
class NoOptions:
    """The DSN options of a provider that has none."""


@frozen
class Account:
    """Who asks, and where: one account at one vendor. ``base_url`` has no slash at its end."""

    provider: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    base_url: str
    options: object = field(factory=NoOptions)

    def typed_options(self, kind: type[OptionsT]) -> OptionsT:
        """The provider's own DSN options."""
        assert isinstance(self.options, kind), f"the options of {self.provider} are no {kind.__name__}"
        return self.options

    @property
    def key(self) -> str:
        """Tells this account, with these credentials, from any other, without showing them."""
        parts = (self.provider, self.base_url, self.user, self.password)
        return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
