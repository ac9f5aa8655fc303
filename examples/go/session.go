package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
)

// A chip sends commands, under secure messaging once it has keys.
type chip struct {
	transmit func([]byte) ([]byte, error)
	keys     *keys
	counter  *big.Int
}

// keys are those of secure messaging: two keys of two-key Triple DES, or of AES-128.
type keys struct {
	enc, mac []byte
	aes      bool
}

func kdf(secret []byte, counter byte) []byte {
	digest := sha1.Sum(append(bytes.Clone(secret), 0, 0, 0, counter))
	return digest[:16]
}

func (k *keys) blockSize() int {
	if k.aes {
		return aes.BlockSize
	}
	return des.BlockSize
}

func (k *keys) cbc(counter, octets []byte, encrypt bool) []byte {
	block, iv := tripleDES(k.enc), make([]byte, k.blockSize())
	if k.aes {
		block, _ = aes.NewCipher(k.enc)
		block.Encrypt(iv, counter)
	}
	result := make([]byte, len(octets))
	if encrypt {
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(result, octets)
	} else {
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(result, octets)
	}
	return result
}

func tripleDES(key []byte) cipher.Block {
	block, _ := des.NewTripleDESCipher(append(bytes.Clone(key), key[:8]...))
	return block
}

// checksum returns the MAC of padded octets.
func (k *keys) checksum(octets []byte) []byte {
	if k.aes {
		return cmac(k.mac, octets)
	}
	first, _ := des.NewCipher(k.mac[:8]) // ISO/IEC 9797-1, algorithm 3
	second, _ := des.NewCipher(k.mac[8:])
	chained := make([]byte, len(octets))
	cipher.NewCBCEncrypter(first, make([]byte, 8)).CryptBlocks(chained, octets)
	last := chained[len(chained)-8:]
	second.Decrypt(last, last)
	first.Encrypt(last, last)
	return last
}

// cmac returns the first 8 octets of CMAC (NIST SP 800-38B) with AES.
func cmac(key, octets []byte) []byte {
	block, _ := aes.NewCipher(key)
	subkey := make([]byte, aes.BlockSize)
	block.Encrypt(subkey, subkey)
	double(subkey)
	rest := len(octets) % aes.BlockSize
	if rest != 0 || len(octets) == 0 {
		octets = pad(octets, aes.BlockSize)
		double(subkey)
	}
	chained := bytes.Clone(octets)
	subtle.XORBytes(chained[len(chained)-16:], chained[len(chained)-16:], subkey)
	cipher.NewCBCEncrypter(block, make([]byte, 16)).CryptBlocks(chained, chained)
	return chained[len(chained)-16:][:8]
}

func double(octets []byte) {
	carry := octets[0] >> 7
	for index := range octets {
		octets[index] <<= 1
		if index+1 < len(octets) {
			octets[index] |= octets[index+1] >> 7
		}
	}
	octets[len(octets)-1] ^= carry * 0x87
}

func pad(octets []byte, size int) []byte {
	padded := append(bytes.Clone(octets), 0x80)
	return append(padded, make([]byte, (size-len(padded)%size)%size)...)
}

func unpad(octets []byte) []byte {
	end := bytes.LastIndexByte(octets, 0x80)
	return octets[:max(0, end)]
}

func object(tag []byte, parts ...[]byte) []byte {
	value := bytes.Join(parts, nil)
	length := []byte{byte(len(value))}
	if len(value) >= 0x80 {
		length = []byte{0x81, byte(len(value))}
	}
	return bytes.Join([][]byte{tag, length, value}, nil)
}

// objects returns the values of data objects by their tags of one octet.
func objects(octets []byte) map[byte][]byte {
	found := map[byte][]byte{}
	for len(octets) > 2 {
		end := min(sizeOf(octets), len(octets))
		start := 2
		if octets[1] >= 0x80 {
			start += int(octets[1] & 0x7F)
		}
		found[octets[0]] = octets[min(start, end):end]
		octets = octets[end:]
	}
	return found
}

// send sends a command and returns the data of the response; le is 0 for none and 256 for all.
func (c *chip) send(header, data []byte, le int) ([]byte, error) {
	if c.keys == nil {
		return c.exchange(header, data, le)
	}
	size := c.keys.blockSize()
	counter := c.nextCounter(size)
	header = bytes.Clone(header)
	header[0] |= 0x0C
	var body []byte
	if len(data) > 0 {
		encrypted := c.keys.cbc(counter, pad(data, size), true)
		body = object([]byte{0x87}, []byte{1}, encrypted)
	}
	if le > 0 {
		body = append(body, object([]byte{0x97}, []byte{byte(le)})...)
	}
	authenticated := bytes.Join([][]byte{counter, pad(header, size), body}, nil)
	mac := c.keys.checksum(pad(authenticated, size))
	body = append(body, object([]byte{0x8E}, mac)...)
	response, err := c.exchange(header, body, 256)
	if len(response) < 10 {
		if err == nil {
			err = errNotProven
		}
		return nil, err
	}
	counter = c.nextCounter(size)
	found := objects(response)
	authenticated = append(bytes.Clone(counter), response[:len(response)-10]...)
	mac = c.keys.checksum(pad(authenticated, size))
	if subtle.ConstantTimeCompare(mac, found[0x8E]) != 1 || len(found[0x99]) != 2 {
		return nil, errNotProven
	}
	var plain []byte
	if encrypted := found[0x87]; len(encrypted) > 1 {
		plain = unpad(c.keys.cbc(counter, encrypted[1:], false))
	}
	if sw := binary.BigEndian.Uint16(found[0x99]); sw != 0x9000 {
		return plain, refusal(sw)
	}
	return plain, nil
}

func (c *chip) nextCounter(size int) []byte {
	c.counter.Add(c.counter, big.NewInt(1))
	return c.counter.FillBytes(make([]byte, size))
}

func (c *chip) exchange(header, data []byte, le int) ([]byte, error) {
	command := bytes.Clone(header)
	if len(data) > 0 {
		command = append(append(command, byte(len(data))), data...)
	}
	if le > 0 {
		command = append(command, byte(le))
	}
	var response []byte
	end := 0
	for {
		more, err := c.transmit(command)
		if err != nil {
			return nil, err
		}
		if len(more) < 2 {
			return nil, errNotProven
		}
		response = append(response[:end], more...)
		end = len(response) - 2
		if response[end] != 0x61 {
			break
		}
		command = []byte{0x00, 0xC0, 0x00, 0x00, response[end+1]} // GET RESPONSE
	}
	if sw := binary.BigEndian.Uint16(response[end:]); sw != 0x9000 {
		return response[:end], refusal(sw)
	}
	return response[:end], nil
}
