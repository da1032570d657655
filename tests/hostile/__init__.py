"""Hostile inputs at the doors: pages, files and sockets, case by case of the ledger (``tests/hostile/ledger.py``)."""
