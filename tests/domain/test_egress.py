"""No message leaves for an address that is not public, however it is written; and no URL is taken that could be read two ways."""

import pytest

from tallystick.domain.egress import checked_url, refusal
from tallystick.values.errors import InvalidInput

REFUSED_ADDRESSES = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1",
    "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
    "2002:a00:1::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:a00:1", "2606:4700::1%1",
    "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "localhost", "", "1.2.3.4.5", "1.2.3.4 ", ":::",
    "::ffff:1.2.3",
]  # fmt: skip
PUBLIC_ADDRESSES = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
    "168.63.129.17", "169.253.255.255", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "192.169.0.1",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip
REFUSED_URLS = [
    "http://example.com/", "ftp://example.com/", "https:/example.com", "https://", "//example.com/", "example.com", "",
    "https://example.com:80/", "https://example.com:0/", "https://example.com:22/", "https://example.com:99999/",
    "https://example.com:/", "https://user@example.com/", "https://user:word@example.com/", "https://example.com@127.0.0.1/",
    "https://127.0.0.1#@example.com/", "https://example.com#here", "https://example.com\\@127.0.0.1/", "https://example.com./",
    "https://127.0.0.1./", "https://.example.com/", "https://example..com/", "https://exa mple.com/", "https://example.com/a b",
    "https://example.com/\r\nHost: evil", "https://example.com/\x00", "https://127.0.0.1/", "https://127.1/", "https://127.0.1/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/",
    "https://0/", "https://0x/", "https://1.2.3.256/", "https://1.2.3.08/", "https://10.0.0.1:8443/", "https://169.254.169.254/latest",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/", "https://[2002:7f00:1::]/", "https://[v1.a]/", "https://[::1/", "https://::1/", "https://localhost/",
    "https://localhost:443/", "https://a.localhost/", "https://printer.local/", "https://metadata.google.internal/",
    "https://router.home.arpa/", "https://intranet/", "https://ⓛocalhost/", "https://１２７.0.0.1/", "https://exämple.com/",
    "https://127。0。0。1/", "https://example.com%2f@evil.com/", "https://-example.com/", "https://example-.com/",
    "https://example.com/" + "a" * 2048, "HTTPS://", "javascript:alert(1)", "https://%31%32%37.0.0.1/", " https://example.com/",
]  # fmt: skip
TAKEN_URLS = {
    "https://example.com": "https://example.com/",
    "HTTPS://Example.COM/Hook": "https://example.com/Hook",
    "https://example.com:443/hook?a=b&c=%20": "https://example.com/hook?a=b&c=%20",
    "https://hooks.example.com:8443/in": "https://hooks.example.com:8443/in",
    "https://example.com?key=1": "https://example.com/?key=1",
    "https://xn--exmple-cua.com/": "https://xn--exmple-cua.com/",
    "https://a_b.example.com/@x": "https://a_b.example.com/@x",
    "https://1.1.1.1/": "https://1.1.1.1/",
    "https://[2606:4700:4700::1111]/": "https://[2606:4700:4700::1111]/",
}


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_nothing_is_sent_to(address: str) -> None:
    assert refusal(address) is not None


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_messages_may_go_to(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_this_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as told:
        checked_url(url)
    assert told.value.field == "url"
    assert len(url) < 12 or url not in told.value.message


@pytest.mark.parametrize(("url", "means"), TAKEN_URLS.items())
def test_this_url_is_taken_in_its_plain_form(url: str, means: str) -> None:
    assert checked_url(url).url == means
    assert checked_url(means).url == means


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/in", "http://localhost:9000/", "https://[::1]:9443/", "http://127.8.9.1/"]
)
def test_in_development_this_machine_is_reached_and_no_other(url: str) -> None:
    assert checked_url(url, local=True)
    with pytest.raises(InvalidInput):
        checked_url(url)
    for address in ("127.0.0.1", "127.8.9.1", "::1"):
        assert refusal(address, local=True) is None
    for address in ("10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "::ffff:127.0.0.1", "fe80::1"):
        assert refusal(address, local=True) is not None
    for other in (
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://example.com/",
        "http://1.1.1.1/",
        "https://example.com:22/",
    ):
        with pytest.raises(InvalidInput):
            checked_url(other, local=True)
