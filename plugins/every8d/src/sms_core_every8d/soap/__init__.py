"""The provider `every8d-soap`. Source: Web Services API Specifications-2.1, versions 2.0.4 (2020) and 2.0.0 (2016)."""

from sms_core_every8d.soap.options import AccountOptions

__all__ = ["AccountOptions"]
