"""Accounts: where django-allauth asks this product who may sign up, what is kept encrypted and what is on record."""
