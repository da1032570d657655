"""Keeping an installation in order: erasing, retention, strays, backup and restore, and the numbers about it all."""
