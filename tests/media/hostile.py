"""Hostile links as a table: the case it stands for, the code it must be refused with, the links themselves."""

from __future__ import annotations

_HOST63 = "a" * 63

#: (case, code, links)
LINKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("loopback in plain sight", "url_address", ("http://127.0.0.1/a.mp3", "http://127.8.9.10/")),
    ("dotted forms that C resolvers fill up", "url_address", ("http://127.1/", "http://127.0.1/", "http://0/")),
    ("one 32-bit number", "url_address", ("http://2130706433/", "http://3232235777/")),
    ("octal parts", "url_address", ("http://0177.0.0.1/", "http://017700000001/")),
    ("hexadecimal parts", "url_address", ("http://0x7f000001/", "http://0x7f.1/", "http://0X7F.0.0.1/")),
    ("IPv6 loopback", "url_address", ("http://[::1]:8000/", "http://[0:0:0:0:0:0:0:1]/")),
    ("the unspecified address, which is this machine", "url_address", ("http://[::]/", "http://0.0.0.0:8000/")),
    (
        "IPv4 mapped into IPv6",
        "url_address",
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:a9fe:a9fe]/"),
    ),
    ("a mapped public address, refused with the rest", "url_address", ("http://[::ffff:8.8.8.8]/",)),
    ("IPv4-compatible IPv6", "url_address", ("http://[::127.0.0.1]/", "http://[::7f00:1]/")),
    ("NAT64, well-known and local", "url_address", ("http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::a00:1]/")),
    ("6to4 and Teredo around an inside address", "url_address", ("http://[2002:7f00:1::]/", "http://[2001:0:1::1]/")),
    ("link-local, with and without a zone", "url_address", ("http://[fe80::1]/", "http://[fe80::1%25eth0]/")),
    (
        "IPv6 of special use",
        "url_address",
        ("http://[fec0::1]/", "http://[fd00:ec2::254]/", "http://[5f00::1]/", "http://[3fff::1]/", "http://[100::1]/",
         "http://[2001:db8::1]/"),
    ),
    (
        "cloud metadata services",
        "url_address",
        ("http://169.254.169.254/latest/", "http://100.100.100.200/", "http://192.0.0.192/", "http://168.63.129.16/"),
    ),
    ("carrier-grade NAT", "url_address", ("http://100.64.0.10/", "http://100.127.255.254/")),
    (
        "multicast, broadcast, reserved",
        "url_address",
        ("http://224.0.0.1/", "http://[ff02::1]/", "http://255.255.255.255/", "http://240.0.0.1/"),
    ),
    (
        "private and documentation ranges",
        "url_address",
        ("http://10.0.0.5/", "http://172.16.3.4/", "http://172.31.255.255/", "http://192.168.1.1/",
         "http://192.0.2.1/", "http://198.18.0.1/", "http://198.51.100.7/", "http://203.0.113.9/",
         "http://192.88.99.1/"),
    ),
    ("digits in circles and other dots", "url_host", ("http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://１２７.0.0.1/")),
    ("percent signs in the host", "url_host", ("http://%31%32%37.0.0.1/", "http://exa%6dple.com/")),
    ("backslashes", "url_chars", ("http://example.com\\@127.0.0.1/", "http://127.0.0.1\\.example.com/")),
    (
        "a name or password in front of the host",
        "url_userinfo",
        ("http://8.8.8.8@127.0.0.1/", "http://127.0.0.1@example.com/", "http://u:p@example.com/a.mp3"),
    ),
    (
        "control characters and spaces",
        "url_chars",
        ("http://example.com/\r\nX-Injected: 1", "http://exam\tple.com/", "http://1.1.1.1\x00.example.com/",
         "http://example.com/\x7f", " http://127.0.0.1/", "http://example.com/a b", ""),
    ),
    ("no host at all", "url_host", ("http:///127.0.0.1/", "http:127.0.0.1", "//127.0.0.1/", "http:/example.com")),
    ("brackets that hold no address", "url_host", ("http://[::1/", "http://[::1]x/")),
    (
        "ports that are none",
        "url_port",
        ("http://example.com:80:90/", "http://example.com:65536/", "http://example.com:0/", "http://example.com:-1/",
         "http://example.com:٨٠/", "http://example.com:/"),
    ),
    (
        "ports of other services",
        "url_port",
        tuple(f"http://example.com:{port}/" for port in (22, 25, 2375, 3306, 5432, 6379, 9200, 11211)),
    ),
    (
        "other schemes",
        "url_scheme",
        ("file:///etc/passwd", "ftp://example.com/a.mp3", "gopher://example.com/1", "rtmp://example.com/live",
         "rtsp://example.com/a", "udp://example.com:1234", "tcp://example.com:80", "data:audio/wav;base64,AA==",
         "javascript:1", "example.com/a.mp3"),
    ),
    (
        "the decoder's own pseudo-protocols",
        "url_scheme",
        ("concat:http://example.com/a|file:///etc/passwd", "subfile,,start,0,end,0,,:/etc/passwd", "pipe:0",
         "crypto:file:///etc/passwd", "async:http://example.com/", "fd:3", "cache:http://example.com/", "tee:x"),
    ),
    (
        "names of the private network",
        "url_host",
        ("http://localhost/", "http://foo.localhost/", "http://printer.local/", "http://db/", "http://redis:6379/",
         "http://metadata.google.internal/", "http://localhost./", "http://router.lan/"),
    ),
    (
        "a last label that looks like a number",
        "url_host",
        ("http://1.2.3/", "http://1.2.3.4.5/", "http://256.1.1.1/", "http://0x/", "http://a.0x1/", "http://08.8.8.8/"),
    ),
    ("labels no host may have", "url_host", ("http://under_score.com/", "http://-a.com/", "http://a..com/")),
    (
        "too long",
        "url_length",
        ("http://example.com/" + "a" * 3000, f"http://{_HOST63}a.com/", f"http://{'.'.join([_HOST63] * 4)}.com/"),
    ),
    ("the service itself", "url_self", ("https://app.example.org/api/v1/", "http://APP.example.org./")),
)  # fmt: skip

#: Links that must pass, and what they become.
GOOD: tuple[tuple[str, str], ...] = (
    ("http://8.8.8.8/", "http://8.8.8.8/"),
    ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
    ("https://bücher.de/ä?q=ö#part", "https://xn--bcher-kva.de/%C3%A4?q=%C3%B6"),
    ("https://EXAMPLE.COM./a", "https://example.com/a"),
    ("http://stream.radio.co:8000/live", "http://stream.radio.co:8000/live"),
    ("HTTPS://example.com:443", "https://example.com/"),
    ("https://example.com/a%20b.mp3?sig=a%2Fb+c&x=[1]", "https://example.com/a%20b.mp3?sig=a%2Fb+c&x=[1]"),
)
