"""Telling other systems what happens, signed by the Standard Webhooks scheme, at least once."""
