"""Who belongs to which team and as what: joining, roles, leaving, handing over. One gate for every such write.

Callers have been through `access.py`; what depends on the roles of both people is asked again here, under the lock.
"""
