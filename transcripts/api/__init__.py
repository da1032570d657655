"""The REST API: what people do on the pages, for programs with a token. docs/api.md shows it in use.

`app` puts it together; `auth` says who asks; `errors` is the one shape of a refusal; `schemas` is what goes in and
out; the other modules hold the routes by noun. Rights come from `access.py` by way of the token's `Holder`.
"""
