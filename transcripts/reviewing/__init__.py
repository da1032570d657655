"""Correcting and approving what was heard: words keep their times, versions keep their authors, nothing is lost."""
