// Command read-chip reads EF.COM, EF.SOD and DG1 of the passport in a PC/SC reader.
//
//	read-chip READER DOCUMENT-NUMBER DATE-OF-BIRTH DATE-OF-EXPIRY    (dates: YYMMDD)
//
// It opens the chip with PACE (Generic Mapping, AES-128, brainpoolP256r1) or else with Basic Access
// Control, and prints name, size and SHA-256 of each file.  It is an example of a reader that is
// tested with Chipseal, and does not judge what it reads.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gballet/go-libpcsclite"
)

var files = []struct {
	name       string
	identifier uint16
}{{"EF.COM", 0x011E}, {"EF.SOD", 0x011D}, {"DG1", 0x0101}}

const (
	cardAccess = 0x011C
	// largestRead is as much as the smallest buffers hold with secure messaging around it.
	largestRead = 0x70
	attempts    = 100
	pause       = 50 * time.Millisecond
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: read-chip READER DOCUMENT-NUMBER BIRTH EXPIRY")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "not read:", err)
		os.Exit(1)
	}
}

func run(reader, number, birth, expiry string) error {
	context, err := establish()
	if err != nil {
		return err
	}
	defer context.ReleaseContext()
	card, err := context.Connect(reader, pcsc.ShareShared, pcsc.ProtocolAny)
	if err != nil {
		return err
	}
	defer card.Disconnect(pcsc.ResetCard)
	chip := &chip{transmit: func(command []byte) ([]byte, error) {
		response, _, err := card.Transmit(command)
		return response, err
	}}
	if err := chip.open(mrzInformation(number, birth, expiry)); err != nil {
		return err
	}
	for _, file := range files {
		content, err := chip.read(file.identifier)
		if err != nil {
			return err
		}
		fmt.Printf("%s %d %x\n", file.name, len(content), sha256.Sum256(content))
	}
	return nil
}

// establish connects to pcscd, whose queue of new programs is short: where programs in C wait, Go's
// net.Dial fails at once.
func establish() (*pcsc.Client, error) {
	for attempt := 0; ; attempt++ {
		context, err := pcsc.EstablishContext(os.Getenv("PCSCLITE_CSOCK_NAME"), pcsc.ScopeSystem)
		if attempt == attempts || !errors.Is(err, syscall.EAGAIN) {
			return context, err
		}
		time.Sleep(pause)
	}
}

// mrzInformation returns the input of the keys (Doc 9303-11, 4.3.2).
func mrzInformation(elements ...string) []byte {
	elements[0] += strings.Repeat("<", max(0, 9-len(elements[0])))
	var information string
	for _, element := range elements {
		sum := 0
		for position, letter := range element {
			value := strings.IndexRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", letter)
			sum += max(0, value) * []int{7, 3, 1}[position%3]
		}
		information += fmt.Sprintf("%s%d", element, sum%10)
	}
	return []byte(information)
}

// A refusal is a status word other than 9000.
type refusal uint16

func (sw refusal) Error() string { return fmt.Sprintf("the chip answered %04X", uint16(sw)) }

var errNotProven = errors.New("the chip does not know the keys")

// read reads a whole transparent file, whose length is in its first octets.
func (c *chip) read(identifier uint16) ([]byte, error) {
	selected := []byte{byte(identifier >> 8), byte(identifier)}
	_, err := c.send([]byte{0x00, 0xA4, 0x02, 0x0C}, selected, 0)
	if err != nil && err != refusal(0x6283) { // a warning that the file is deactivated
		return nil, err
	}
	content, err := c.readAt(0, 8)
	if err != nil {
		return nil, err
	}
	size := sizeOf(content)
	for len(content) < size {
		more, err := c.readAt(len(content), min(size-len(content), largestRead))
		if err != nil {
			return nil, err
		}
		content = append(content, more...)
	}
	return content[:size], nil
}

func (c *chip) readAt(offset, size int) ([]byte, error) {
	header := []byte{0x00, 0xB0, byte(offset >> 8), byte(offset)}
	content, err := c.send(header, nil, size)
	var sw refusal
	if errors.As(err, &sw) && (sw == 0x6282 || sw == 0x6283) && len(content) > 0 {
		err = nil // warnings: the file ends here, or is deactivated
	}
	if err == nil && len(content) == 0 {
		err = fmt.Errorf("the file ends at %d", offset)
	}
	return content, err
}

// sizeOf returns how many octets a data object has, from its first octets.
func sizeOf(octets []byte) int {
	if len(octets) < 4 || octets[1] < 0x80 {
		return 2 + int(octets[min(1, len(octets)-1)])
	}
	size, octetsOfLength := 0, int(octets[1]&0x7F)
	for _, each := range octets[2:min(2+octetsOfLength, len(octets))] {
		size = size<<8 | int(each)
	}
	return 2 + octetsOfLength + size
}
