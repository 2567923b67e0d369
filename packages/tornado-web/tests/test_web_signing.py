"""Signed values: what is accepted, and what is not."""

from __future__ import annotations

import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado.web import create_signed_value, decode_signed_value, get_signature_key_version

NOW = 1300000000
DAY = 86400
KEYS = {0: "secret", 5: "s5"}

# Made by another implementation of the format.
V1 = b"dmFs|1300000000|1981fbcb2785f02e6d50dc33ae0dc86c37ba52ef"
V2 = (
    b"2|1:0|10:1300000000|1:n|4:dmFs|"
    b"6df8a803da40ae6b6f45830b259c8eb57800e1a1b04eb2241a4ebe4b05dbacf3"
)
V2_KEY_5 = (
    b"2|1:5|10:1300000000|1:n|4:dmFs|"
    b"5ab14a54daf50aeb8a6ad500ad8bbdb945d534a03ce1785cab421fd007e1e65c"
)


def clock():
    return NOW


def sign(value="val", *, secret="secret", name="n", **options):
    return create_signed_value(secret, name, value, clock=clock, **options)


def read(value, *, secret="secret", name="n", **options):
    return decode_signed_value(secret, name, value, **{"clock": clock, **options})


def test_formats():
    """WEB-98: both formats are what others write and read."""
    assert sign(version=1) == V1
    assert sign() == sign(version=2) == V2
    assert sign(secret=KEYS, key_version=5) == V2_KEY_5
    for value in (V1, V2, V1.decode(), V2.decode()):
        assert read(value) == b"val"


@given(st.binary(), st.text(), st.sampled_from([1, 2]))
def test_any_value_under_any_name(value, name, version):
    """WEB-93: arbitrary bytes survive."""
    assert read(sign(value, name=name, version=version), name=name) == value


@given(st.sampled_from([V1, V2]), st.data())
def test_no_octet_can_be_changed(value, data):
    """WEB-95, T1: neither changed, nor left out, nor added."""
    place = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda octet: octet != value[place]))
    assert read(value[:place] + bytes([other]) + value[place + 1 :]) is None
    assert read(value[:place] + value[place + 1 :]) is None
    assert read(value[:place] + bytes([other]) + value[place:]) is None


@given(st.text(st.characters(codec="utf-8")) | st.binary())
def test_anything_else_is_none(value):
    """T6: never an exception."""
    assert read(value) is None
    get_signature_key_version(value)


@pytest.mark.parametrize("value", [V1, V2])
def test_other_name_or_secret(value):
    """T1: a value cannot be moved."""
    assert read(value, name="m") is None
    assert read(value, secret="other") is None


@pytest.mark.parametrize("value", [None, "", b""])
def test_no_value(value):
    assert read(value) is None


@pytest.mark.parametrize("value", [V1, V2])
@pytest.mark.parametrize(
    ("age", "max_age_days", "valid"),
    [
        (31 * DAY, 31, True),
        (31 * DAY + 1, 31, False),
        (2 * DAY, 1, False),
        (DAY / 2, 0.5, True),
        (DAY / 2 + 1, 0.5, False),
    ],
)
def test_age(value, age, max_age_days, valid):
    """WEB-94: no older than max_age_days."""
    found = read(value, clock=lambda: NOW + age, max_age_days=max_age_days)
    assert (found == b"val") is valid


def test_min_version():
    """T1: version 1 can be refused."""
    assert read(V1, min_version=2) is None
    assert read(V2, min_version=2) == b"val"
    with pytest.raises(ValueError):
        read(V2, min_version=3)


def test_digits_moved_between_value_and_time():
    """T1: version 1 signs them without a border, so the time has to be a plausible one."""
    encoded, timestamp, signature = V1.split(b"|")
    assert read(b"|".join([encoded + timestamp[:4], timestamp[4:], signature])) is None
    # The signature of "n" over "dmFs" and a time is that of "ndmFs" over nothing and the same time.
    assert read(b"|".join([b"", timestamp, signature]), name="ndmFs") == b""
    assert read(b"|".join([b"", timestamp, signature]), name="ndmFs", min_version=2) is None
    for forged in (b"dmF", b"dmFs13"):
        rest = (encoded + timestamp)[len(forged) :]
        assert read(b"|".join([forged, rest, signature])) is None
    # A time with zeros in front may be one of which digits were left out.
    padded = b"0" + timestamp
    mac = hmac.new(b"secret", b"n" + encoded + padded, "sha1").hexdigest().encode()
    assert read(b"|".join([encoded, padded, mac])) is None


def test_keys():
    value = sign(secret=KEYS, key_version=5)
    assert read(value, secret=KEYS) == b"val"
    assert read(value, secret="s5") == b"val"
    assert read(value, secret={0: "secret"}) is None
    assert read(V1, secret=KEYS) is None
    assert get_signature_key_version(value) == 5
    assert get_signature_key_version(V2) == 0
    assert get_signature_key_version(V1) is None
    assert get_signature_key_version("2|x") is None


@pytest.mark.parametrize(
    "options",
    [
        {"version": 3},
        {"version": 0},
        {"secret": KEYS},
        {"secret": KEYS, "key_version": 7},
        {"secret": KEYS, "version": 1},
    ],
)
def test_signing_that_is_not_possible(options):
    with pytest.raises(ValueError):
        sign(**options)


def signed_fields(fields):
    signed = b"2|" + fields + b"|"
    return signed + hmac.new(b"secret", signed, "sha256").hexdigest().encode()


@pytest.mark.parametrize(
    "fields",
    [
        b"1:x|10:1300000000|1:n|4:dmFs",
        b"1:0|1:x|1:n|4:dmFs",
        b"1:0|10:1300000000|1:n|4:d!Fs",
        b"1:0|10:1300000000|1:n|3:dmF",
        b"1:0|10:1300000000|1:n",
        b"1:0|10:1300000000|1:n|5:dmFs",
        b"1:0|10:1300000000|-1:n|4:dmFs",
        b"1:0|10:1300000000| 1:n|4:dmFs",
        b"1:0|10:1300000000|1_0:n|4:dmFs",
        b"1:0|99999999999999999999:1|1:n|4:dmFs",
    ],
)
def test_malformed_fields_with_a_good_signature(fields):
    """T6."""
    assert read(signed_fields(fields)) is None


def test_values_need_no_quoting_but_for_equals_signs():
    allowed = set((string.ascii_letters + string.digits + "|:+/=").encode())
    assert set(sign(bytes(range(256)))) <= allowed


def test_comparison_is_in_constant_time(monkeypatch):
    """T1, P28: signatures are compared by the function that was made for it."""
    compared = []
    original = hmac.compare_digest
    monkeypatch.setattr(
        "hmac.compare_digest", lambda a, b: compared.append(len(a)) or original(a, b)
    )
    assert read(V1) == read(V2) == b"val"
    assert compared == [40, 64]
