"""HLS, live and on demand, by our own reader: pure parser, choice and schedule, and a thin asynchronous shell.

FFmpeg never follows a playlist: it fetches whatever one names. Here every playlist, key, map and segment goes through
the guarded client, and what comes out is a stream of media bytes for the decoder's standard input.
"""
