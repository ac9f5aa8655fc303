package main

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"math/big"
)

var (
	application = []byte{0xA0, 0, 0, 2, 0x47, 0x10, 1}
	// id-PACE-ECDH-GM-AES-CBC-CMAC-128
	pace = []byte{0x04, 0x00, 0x7F, 0x00, 0x07, 0x02, 0x02, 0x04, 0x02, 0x02}
)

// open opens the chip with PACE if it offers it, else with Basic Access Control.
func (c *chip) open(information []byte) error {
	if offered, err := c.read(cardAccess); err == nil && bytes.Contains(offered, pace) {
		return c.openWithPACE(information)
	}
	return c.openWithBAC(information)
}

func (c *chip) selectApplication() error {
	_, err := c.send([]byte{0x00, 0xA4, 0x04, 0x0C}, application, 0)
	return err
}

func random(size int) []byte {
	octets := make([]byte, size)
	if _, err := rand.Read(octets); err != nil {
		panic(err)
	}
	return octets
}

// openWithBAC does Basic Access Control (Doc 9303-11, 4.3).
func (c *chip) openWithBAC(information []byte) error {
	if err := c.selectApplication(); err != nil {
		return err
	}
	digest := sha1.Sum(information)
	access := &keys{enc: kdf(digest[:16], 1), mac: kdf(digest[:16], 2)}
	challenge, err := c.send([]byte{0x00, 0x84, 0, 0}, nil, 8)
	if err != nil {
		return err
	}
	own, ownKey := random(8), random(16)
	encrypted := access.cbc(nil, bytes.Join([][]byte{own, challenge, ownKey}, nil), true)
	token := append(encrypted, access.checksum(pad(encrypted, 8))...)
	answer, err := c.send([]byte{0x00, 0x82, 0, 0}, token, 40)
	if err != nil {
		return err
	}
	if len(answer) != 40 ||
		subtle.ConstantTimeCompare(access.checksum(pad(answer[:32], 8)), answer[32:]) != 1 {
		return errNotProven
	}
	plain := access.cbc(nil, answer[:32], false)
	if !bytes.Equal(plain[:16], append(bytes.Clone(challenge), own...)) {
		return errNotProven
	}
	seed := make([]byte, 16)
	subtle.XORBytes(seed, ownKey, plain[16:])
	c.keys = &keys{enc: kdf(seed, 1), mac: kdf(seed, 2)}
	c.counter = new(big.Int).SetBytes(append(bytes.Clone(challenge[4:]), own[4:]...))
	return nil
}

// openWithPACE does PACE with Generic Mapping (Doc 9303-11, 4.4.1).
func (c *chip) openWithPACE(information []byte) error {
	selected := bytes.Join([][]byte{
		object([]byte{0x80}, pace),
		object([]byte{0x83}, []byte{1}),
		object([]byte{0x84}, []byte{13}), // some chips require it, although there is no choice
	}, nil)
	if _, err := c.send([]byte{0x00, 0x22, 0xC1, 0xA4}, selected, 0); err != nil {
		return err
	}
	encrypted, err := c.step(0x10, nil, 0x80)
	if err != nil {
		return err
	}
	if len(encrypted) != aes.BlockSize {
		return errNotProven
	}
	digest := sha1.Sum(information)
	nonce := decryptNonce(kdf(digest[:], 3), encrypted)
	private := randomNumber()
	peer, err := c.step(0x10, object([]byte{0x81}, base.times(private).encode()), 0x82)
	if err != nil {
		return err
	}
	mapped, valid := decodePoint(peer)
	if !valid {
		return errNotProven
	}
	generator := base.times(new(big.Int).SetBytes(nonce)).plus(mapped.times(private))
	if generator == nil {
		return errNotProven
	}
	private = randomNumber()
	public := generator.times(private).encode()
	if peer, err = c.step(0x10, object([]byte{0x83}, public), 0x84); err != nil {
		return err
	}
	ephemeral, valid := decodePoint(peer)
	if !valid || bytes.Equal(peer, public) {
		return errNotProven
	}
	secret := ephemeral.times(private).x.FillBytes(make([]byte, 32))
	agreed := &keys{enc: kdf(secret, 1), mac: kdf(secret, 2), aes: true}
	answer, err := c.step(0x00, object([]byte{0x85}, token(agreed, peer)), 0x86)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(answer, token(agreed, public)) != 1 {
		return errNotProven
	}
	c.keys, c.counter = agreed, new(big.Int)
	return c.selectApplication()
}

// step sends a GENERAL AUTHENTICATE and returns the value with a tag of its answer.
func (c *chip) step(cla byte, data []byte, tag byte) ([]byte, error) {
	answer, err := c.send([]byte{cla, 0x86, 0, 0}, object([]byte{0x7C}, data), 256)
	if err != nil {
		return nil, err
	}
	value := objects(objects(answer)[0x7C])[tag]
	if value == nil {
		return nil, errNotProven
	}
	return value, nil
}

func token(agreed *keys, public []byte) []byte {
	oid, key := object([]byte{0x06}, pace), object([]byte{0x86}, public)
	return cmac(agreed.mac, object([]byte{0x7F, 0x49}, oid, key))
}

// decryptNonce decrypts one block in CBC mode with an IV of zeros, which is the block cipher itself.
func decryptNonce(key, encrypted []byte) []byte {
	block, _ := aes.NewCipher(key)
	nonce := make([]byte, aes.BlockSize)
	block.Decrypt(nonce, encrypted)
	return nonce
}

func randomNumber() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Sub(order, big.NewInt(1)))
	if err != nil {
		panic(err)
	}
	return number.Add(number, big.NewInt(1))
}
