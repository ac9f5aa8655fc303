import pytest
from ecdsa import curves as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from emrtd.crypto.curves import CURVES, Curve, curve_by_oid, explicit_curve, find_curve
from emrtd.errors import ProtocolError
from support.errors import MalformedError
from tests.emrtd.crypto import oracle
from tests.helpers import facts

every_curve = pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
P256 = CURVES["brainpoolP256r1"]


@every_curve
def test_parameters_equal_the_reference_implementation(curve: Curve) -> None:
    assert curve.oid is not None
    theirs = reference.find_curve(tuple(map(int, curve.oid.split("."))))
    g = theirs.generator
    assert (curve.p, curve.b, curve.n) == (theirs.curve.p(), theirs.curve.b(), theirs.order)
    assert (curve.a - theirs.curve.a()) % curve.p == 0
    assert curve.g == (g.x(), g.y())


def test_parameters_equal_the_published_ones() -> None:
    for each in facts("crypto/domain_parameters.json")["parameters"]:
        if each["type"] == "ECDH":
            p, a, b, n, x, y = (int(each[key], 16) for key in ("p", "a", "b", "n", "Gx", "Gy"))
            assert find_curve(p, a, b, (x, y), n) is not None


@every_curve
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_arithmetic_agrees_with_the_oracle(curve: Curve, data: st.DataObject) -> None:
    scalars = st.integers(1, curve.n - 1)
    k, m = data.draw(scalars), data.draw(scalars)
    point = curve.multiply(k, curve.g)
    assert point == oracle.multiply(curve, k, curve.g)
    assert curve.multiply(m, point) == oracle.multiply(curve, m, point)
    if (other := curve.multiply(m, curve.g)) != (point[0], curve.p - point[1]):
        assert curve.add(point, other) == oracle.add(curve, point, other)


@every_curve
def test_multiplication_by_0_1_and_n(curve: Curve) -> None:
    x, y = curve.g
    assert curve.multiply(1, curve.g) == (x, y)
    assert curve.multiply(curve.n + 1, curve.g) == (x, y)
    assert curve.multiply(curve.n - 1, curve.g) == (x, curve.p - y)
    assert curve.add(curve.g, curve.g) == curve.multiply(2, curve.g)
    for k in (0, curve.n, -curve.n):
        with pytest.raises(ProtocolError, match="infinity"):
            curve.multiply(k, curve.g)
    with pytest.raises(ProtocolError, match="infinity"):
        curve.add(curve.g, (x, curve.p - y))


@every_curve
def test_a_point_encodes_and_decodes(curve: Curve) -> None:
    octets = curve.encode_point(curve.g)
    assert len(octets) == 1 + 2 * curve.size
    assert curve.decode_point(octets) == curve.g


@every_curve
def test_a_coordinate_outside_the_field_never_reaches_fastecdsa(curve: Curve) -> None:
    x, y = curve.g
    for point in ((x + curve.p, y), (x, y + curve.p), (-x, y), (x - curve.p, y), (0, 1), (0, 0)):
        with pytest.raises(ProtocolError, match="not on the curve"):
            curve.multiply(2, point)
        with pytest.raises(ProtocolError, match="not on the curve"):
            curve.add(curve.g, point)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(CURVES)), st.binary(max_size=140))
def test_any_octets_decode_to_a_point_or_are_refused(name: str, octets: bytes) -> None:
    curve = CURVES[name]
    try:
        point = curve.decode_point(b"\x04" + octets)
    except (MalformedError, ProtocolError):
        return
    assert curve.encode_point(point) == b"\x04" + octets


def test_named_curves_are_found() -> None:
    assert curve_by_oid("1.3.36.3.3.2.8.1.1.7") is P256
    assert curve_by_oid("1.2.3") is None
    assert explicit_curve(P256.p, P256.a, P256.b, P256.g, P256.n) is P256


def test_the_twist_of_a_brainpool_curve_is_another_curve() -> None:
    twist = reference.BRAINPOOLP256t1
    g = (int(twist.generator.x()), int(twist.generator.y()))
    p, a, b = int(twist.curve.p()), int(twist.curve.a()) % P256.p, int(twist.curve.b())
    assert p == P256.p
    curve = explicit_curve(p, a, b, g, P256.n)
    assert curve is find_curve(p, a, b, g, P256.n)
    assert (curve.name, curve.oid) == ("brainpoolP256t1", "1.3.36.3.3.2.8.1.1.8")
    k = 0x1234567890ABCDEF
    assert curve.multiply(k, curve.g) == oracle.multiply(curve, k, curve.g)
    theirs = twist.generator * k
    assert curve.multiply(k, curve.g) == (theirs.x(), theirs.y())


@pytest.mark.parametrize(
    "changed",
    [
        {"p": P256.p * 3},
        {"p": P256.p + 2},
        {"p": 1 << 4423},
        {"p": 2},
        {"p": 0},
        {"p": -P256.p},
        {"a": P256.a + P256.p},
        {"b": -1},
        {"a": 0, "b": 0},
        {"g": (P256.g[0] + P256.p, P256.g[1])},
        {"g": (P256.g[0], P256.g[1] + 1)},
        {"n": P256.n - 1},
        {"n": P256.p},
        {"n": CURVES["secp256r1"].n},
        {"n": 7},
        {"n": 0},
        {"h": 4},
    ],
    ids=str,
)
def test_explicit_parameters_that_are_not_a_curve_are_refused(changed: dict[str, object]) -> None:
    parameters = {"p": P256.p, "a": P256.a, "b": P256.b, "g": P256.g, "n": P256.n, **changed}
    with pytest.raises(MalformedError):
        explicit_curve(**parameters)  # type: ignore[arg-type]


def test_a_mapped_generator_keeps_the_curve() -> None:
    mapped = P256.with_generator(P256.multiply(7, P256.g))
    assert mapped.multiply(3, mapped.g) == P256.multiply(21, P256.g)
    assert mapped.oid is None
    with pytest.raises(ProtocolError):
        P256.with_generator((1, 1))
