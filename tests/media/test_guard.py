from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.media.errors import BlockedUrl
from transcripts.media.guard import DEFAULT_PORTS, Policy, judge_address, judge_url

from .hostile import GOOD, LINKS

POLICY = Policy(own_hosts=frozenset({"app.example.org"}))


@pytest.mark.parametrize(
    ("link", "code"),
    [(link, code) for _, code, links in LINKS for link in links],
    ids=[f"{case} {number}" for case, _, links in LINKS for number in range(len(links))],
)
def test_a_hostile_link_is_refused_with_its_code(link: str, code: str) -> None:
    with pytest.raises(BlockedUrl) as refused:
        judge_url(link, POLICY)
    assert refused.value.code == code
    assert not refused.value.retryable
    assert "127" not in refused.value.message
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(("link", "normal"), GOOD)
def test_an_honest_link_passes_in_its_normal_form(link: str, normal: str) -> None:
    assert str(judge_url(link, POLICY)) == normal


@pytest.mark.parametrize("link", [normal for _, normal in GOOD])
def test_the_normal_form_is_a_fixed_point(link: str) -> None:
    assert str(judge_url(link, POLICY)) == link


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "168.63.129.16", "::1", "::", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::808:808",
     "2002:808:808::1", "2001::1", "fe80::1%lo", "fec0::1", "ff0e::1", "5f00::1", "not an address", "", "1.2.3"],
)  # fmt: skip
def test_an_address_outside_the_allowed_space_is_refused(address: str) -> None:
    with pytest.raises(BlockedUrl) as refused:
        judge_address(address, Policy())
    assert refused.value.code == "url_address"


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "223.255.255.1", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_allowed(address: str) -> None:
    judge_address(address, Policy())


def test_the_operator_can_open_a_network_and_nothing_beside_it() -> None:
    policy = Policy(allow_networks=(ipaddress.ip_network("10.2.0.0/16"),))
    judge_address("10.2.3.4", policy)
    assert judge_url("http://10.2.3.4/a.mp3", policy).host == "10.2.3.4"
    for address in ("10.3.0.1", "::ffff:10.2.3.4"):
        with pytest.raises(BlockedUrl):
            judge_address(address, policy)


def test_the_operator_can_open_a_port_and_close_plain_http() -> None:
    assert judge_url("http://example.com:9000/", Policy(allow_ports=frozenset({9000}))).port == 9000
    with pytest.raises(BlockedUrl, match="url_scheme"):
        judge_url("http://example.com/", Policy(allow_plain_http=False))


def test_the_machines_own_public_address_is_refused() -> None:
    policy = Policy(own_addresses=frozenset({ipaddress.ip_address("93.184.216.34")}))
    with pytest.raises(BlockedUrl, match="url_address"):
        judge_address("93.184.216.34", policy)


@given(st.text(max_size=80))
def test_whatever_is_pasted_is_judged_and_never_breaks_the_judge(text: str) -> None:
    for link in (text, f"http://{text}", f"http://{text}/a.mp3"):
        try:
            url = judge_url(link, Policy())
        except BlockedUrl:
            continue
        assert url.port in DEFAULT_PORTS
        assert str(url).isascii()
        assert judge_url(str(url), Policy()) == url


@given(st.integers(0, 2**32 - 1))
def test_every_spelling_of_an_ipv4_address_gets_the_verdict_of_the_address_or_is_no_host(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    octets = address.packed
    spellings = (str(number), hex(number), f"0{number:o}", f"{octets[0]}.{number & 0xFFFFFF}",
                 f"{octets[0]}.{octets[1]}.{number & 0xFFFF}", ".".join(hex(octet) for octet in octets))  # fmt: skip
    try:
        judge_address(address, Policy())
        expected = "url_host"
    except BlockedUrl as refused:
        expected = refused.code
    for spelling in spellings:
        with pytest.raises(BlockedUrl) as refused_too:
            judge_url(f"http://{spelling}/", Policy())
        assert refused_too.value.code == expected
