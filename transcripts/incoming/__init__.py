"""Sound that clients send over a socket: a growing file that the transcript's session follows.

``rows`` says who may write and when it ends, ``beginning`` makes a transcript for it, ``commands`` reads what a client
says, ``sender`` is one connection's part, ``socket`` is the door.
"""
