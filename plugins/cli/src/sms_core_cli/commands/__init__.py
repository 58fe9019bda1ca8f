"""The commands of ``sms``, one module each."""
