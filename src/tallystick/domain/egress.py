"""Where a message may be sent: which URLs are taken, and which addresses are connected to, whatever their names say."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from tallystick.values.errors import InvalidInput

PORTS = frozenset({443, 8443})
URL_LENGTH_MAX = 2048
# Written out, since what the standard library calls global has changed between its releases.
_REFUSED_V4: dict[IPv4Network, str] = {
    IPv4Network("0.0.0.0/8"): "unspecified",
    IPv4Network("10.0.0.0/8"): "private",
    IPv4Network("100.64.0.0/10"): "shared by a carrier",  # a cloud's metadata too, at 100.100.100.200
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("168.63.129.16/32"): "a cloud's metadata",  # looks public, and is answered by the host beneath
    IPv4Network("169.254.0.0/16"): "link-local",  # metadata at 169.254.169.254
    IPv4Network("172.16.0.0/12"): "private",
    IPv4Network("192.0.0.0/24"): "reserved",
    IPv4Network("192.0.2.0/24"): "for documentation",
    IPv4Network("192.88.99.0/24"): "a relay of 6to4",
    IPv4Network("192.168.0.0/16"): "private",
    IPv4Network("198.18.0.0/15"): "for benchmarks",
    IPv4Network("198.51.100.0/24"): "for documentation",
    IPv4Network("203.0.113.0/24"): "for documentation",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
}
# Within 2000::/3; nothing outside it is public, but for the two forms that hold an IPv4 address.
_REFUSED_V6: dict[IPv6Network, str] = {
    IPv6Network("2001::/23"): "reserved, or a Teredo tunnel",
    IPv6Network("2001:db8::/32"): "for documentation",
    IPv6Network("2002::/16"): "a 6to4 tunnel",
    IPv6Network("3fff::/20"): "for documentation",
}
_PUBLIC_V6 = IPv6Network("2000::/3")
_HOLDS_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
_LOW_32_BITS = 0xFFFF_FFFF
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?][!-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be tried. What its name leads to is asked when it is connected to, each time anew."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _default_port(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def checked_url(text: str, *, local: bool = False) -> Target:
    """The URL, taken apart. HTTPS at port 443 or 8443, a host without tricks; where `local`, also HTTP to this machine.

    Raises InvalidInput.
    """
    match = _URL.fullmatch(text) if len(text) <= URL_LENGTH_MAX else None
    if match is None or "#" in text:
        raise _wrong("write it as https://host/path: plain ASCII, no user, no fragment, at most 2,048 characters")
    scheme, host = match["scheme"].lower(), _checked_host(match["host"])
    port = int(match["port"] or _default_port(scheme))
    path = match["path"] or "/"
    target = Target(scheme, host, port, path if path.startswith("/") else f"/{path}")
    if local and _is_local(host) and 0 < port <= 65535:
        return target
    if scheme != "https":
        raise _wrong("must begin with https://")
    if port not in PORTS:
        raise _wrong("its port must be 443 or 8443")
    why = _refusal_of_host(host)
    if why is not None:
        raise _wrong(f"its host is {why}; it must be one that the public internet reaches")
    return target


def refusal(address: str, *, local: bool = False) -> str | None:
    """Why nothing is sent to this address, or None where it may be. `local`: loopback may be."""
    try:
        found = IPv6Address(address) if ":" in address else IPv4Address(address)
    except AddressValueError:
        return "not an address"
    if isinstance(found, IPv4Address):
        return _refusal_v4(found, local=local)
    if found.scope_id is not None:
        return "of one network only"
    if local and found == IPv6Address("::1"):
        return None
    if any(found in network for network in _HOLDS_V4):
        return _refusal_v4(IPv4Address(int(found) & _LOW_32_BITS), local=False)
    if found not in _PUBLIC_V6:
        return "not public"
    if (int(found) >> 32) & _LOW_32_BITS in _ISATAP:
        return "an ISATAP tunnel"
    return next((why for network, why in _REFUSED_V6.items() if found in network), None)


def _refusal_v4(address: IPv4Address, *, local: bool) -> str | None:
    why = next((why for network, why in _REFUSED_V4.items() if address in network), None)
    return None if local and why == "loopback" else why


def _checked_host(text: str) -> str:
    """A name as DNS has it, or an address in its one common form; anything that others might read otherwise is refused."""
    host = text.lower()
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except AddressValueError:
            raise _wrong("its host is not an IPv6 address") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise _wrong("its host is a number; write a name, or four numbers from 0 to 255") from None
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _wrong("its host is not a name, or ends in a dot")
    return host


def _refusal_of_host(host: str) -> str | None:
    """Why the host can be refused before anybody is asked what it leads to."""
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        return refusal(host)
    if "." not in host or host.endswith((".localhost", ".local", ".internal", ".home.arpa")):
        return "a name of a private network"
    return None


def _is_local(host: str) -> bool:
    return host == "localhost" or (
        (":" in host or host[:1].isdigit()) and refusal(host, local=True) is None and refusal(host) is not None
    )


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(f"url: {why}", field="url", code="url_refused")


def host_of(url: str) -> str:
    """The host of a URL that was taken once; for those who may know no more of it."""
    match = _URL.fullmatch(url)
    return match["host"].lower() if match else ""
