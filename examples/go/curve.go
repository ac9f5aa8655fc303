package main

import "math/big"

// brainpoolP256r1 (RFC 5639, 3.4), in affine coordinates: slow, short, and not in constant time.
var (
	prime = number("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377")
	a     = number("7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9")
	b     = number("26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6")
	order = number("A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7")
	base  = &point{
		number("8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262"),
		number("547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997"),
	}
)

func number(text string) *big.Int {
	value, _ := new(big.Int).SetString(text, 16)
	return value
}

// A point of the curve; nil is the point at infinity.
type point struct{ x, y *big.Int }

func (p *point) plus(q *point) *point {
	if p == nil {
		return q
	}
	if q == nil {
		return p
	}
	over, under := new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x)
	if under.Sign() == 0 {
		if over.Sign() != 0 || p.y.Sign() == 0 {
			return nil
		}
		over.Mul(p.x, p.x).Mul(over, big.NewInt(3)).Add(over, a)
		under.Lsh(p.y, 1)
	}
	slope := over.Mul(over, under.ModInverse(under.Mod(under, prime), prime))
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, prime)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, prime)
	return &point{x, y}
}

func (p *point) times(factor *big.Int) *point {
	var result *point
	for bit := factor.BitLen() - 1; bit >= 0; bit-- {
		result = result.plus(result)
		if factor.Bit(bit) == 1 {
			result = result.plus(p)
		}
	}
	return result
}

func (p *point) encode() []byte {
	encoded := make([]byte, 65)
	encoded[0] = 4
	p.x.FillBytes(encoded[1:33])
	p.y.FillBytes(encoded[33:])
	return encoded
}

// decodePoint returns a point of the curve; false for anything else, which an attacker may send.
func decodePoint(octets []byte) (*point, bool) {
	if len(octets) != 65 || octets[0] != 4 {
		return nil, false
	}
	x, y := new(big.Int).SetBytes(octets[1:33]), new(big.Int).SetBytes(octets[33:])
	right := new(big.Int).Mul(x, x)
	right.Add(right, a).Mul(right, x).Add(right, b).Mod(right, prime)
	left := new(big.Int).Mul(y, y)
	return &point{x, y}, left.Mod(left, prime).Cmp(right) == 0
}
