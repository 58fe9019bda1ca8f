"""The hooks of a provider, under their public name: pluggy's specification and the static contract in one."""

from sms_core.provider.hooks import PROJECT, REQUIRED, ProviderHooks, hookimpl, hookspec

__all__ = ["PROJECT", "REQUIRED", "ProviderHooks", "hookimpl", "hookspec"]
