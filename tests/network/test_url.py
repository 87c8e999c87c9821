"""Which URLs are accepted, and the API address each one gives."""

import pytest

from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.network.url import parse_address

GOOD = {
    "https://kabelwerk.example": "https://kabelwerk.example/api",
    "kabelwerk.example": "https://kabelwerk.example/api",
    "kabelwerk.example:8443": "https://kabelwerk.example:8443/api",
    "wss://kabelwerk.example/socket/user": "https://kabelwerk.example/api",
    "wss://kabelwerk.example/socket/hub": "https://kabelwerk.example/api",
    "https://kabelwerk.example/": "https://kabelwerk.example/api",
    "https://kabelwerk.example/api/": "https://kabelwerk.example/api",
    "HTTPS://Kabelwerk.Example": "https://kabelwerk.example/api",
    "http://localhost:4000": "http://localhost:4000/api",
    "http://kabelwerk.localhost": "http://kabelwerk.localhost/api",
    "ws://127.0.0.1:4000": "http://127.0.0.1:4000/api",
    "http://127.8.8.8": "http://127.8.8.8/api",
    "http://[::1]:4000": "http://[::1]:4000/api",
    "https://my_host.example.": "https://my_host.example./api",
    f"https://{'a' * 63}.example": f"https://{'a' * 63}.example/api",
    f"https://{'a.' * 126}x.": f"https://{'a.' * 126}x./api",
    "https://[2001:db8::1]": "https://[2001:db8::1]/api",
}


@pytest.mark.parametrize(("url", "base"), GOOD.items())
def test_forms_that_the_sdks_accept(url, base):
    assert parse_address(url).base == base


BAD = {
    "": "empty",
    "ftp://kabelwerk.example": "https://",
    "http://kabelwerk.example": "unencrypted",
    "http://192.168.0.1": "unencrypted",
    "http://127.0.0.1.example": "unencrypted",
    "http://[::ffff:127.0.0.1]": "unencrypted",
    "http://localhost.example": "unencrypted",
    "https://user:secret@kabelwerk.example": "user name or password",
    "https://kabelwerk.example?x=1": "query",
    "https://kabelwerk.example#x": "fragment",
    "https://kabelwerk.example/admin": "path",
    "https://::1/": "brackets",
    "https://[::zz]": "brackets",
    "https://kabelwerk.example:0": "65535",
    "https://kabelwerk.example:99999": "65535",
    "https://kabelwerk.example:https": "no valid host and port",
    "https://": "no valid host and port",
    "https://-x.example": "'-x.example' is not a valid host name",
    "https://x-.example": "'x-.example' is not a valid host name",
    "https://kabelwerk..example": "'kabelwerk..example' is not a valid host name",
    "https://.example": "is not a valid host name",
    "https://kabelwerk.example..": "is not a valid host name",
    f"https://{'a' * 64}.example": "is not a valid host name",
    f"https://{'a.' * 126}xy": "is not a valid host name",
    "https://300.1.1.1": "is not a valid host name",
    "https://127.1": "is not a valid host name",
    "https://0x7f": "is not a valid host name",
    "https://2130706433": "is not a valid host name",
    "https://127.0.0.1.": "is not a valid host name",
    "https://kabel werk": "spaces, backslashes, control or non-ASCII",
    "https://kabelwerk.example\\@evil.example": "spaces, backslashes, control or non-ASCII",
    "https://kabelwerk.example\n": "spaces, backslashes, control or non-ASCII",
    "https://ümlaut.example": "spaces, backslashes, control or non-ASCII",
}


@pytest.mark.parametrize(("url", "complaint"), BAD.items())
def test_urls_that_are_refused(url, complaint):
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)


def test_plain_http_can_be_allowed():
    address = parse_address("http://kabelwerk.example", allow_insecure_http=True)
    assert address.base == "http://kabelwerk.example/api"
    assert not address.local_only


@pytest.mark.parametrize(
    ("url", "local_only"),
    [("http://localhost", True), ("http://127.0.0.1", True), ("https://localhost", False)],
)
def test_plain_http_is_for_this_machine_only(url, local_only):
    assert parse_address(url).local_only is local_only
