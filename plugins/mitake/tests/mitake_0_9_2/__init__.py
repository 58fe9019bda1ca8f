"""
Mitake SMS Python Library
A Python wrapper for the Mitake SMS API
"""

from .client import MitakeClient
from .exceptions import MitakeError, AuthenticationError, APIError

__version__ = "0.1.0"
__all__ = ["MitakeClient", "MitakeError", "AuthenticationError", "APIError"]