/* libmrtd for the table of docs/interop.md: reads the cards that are put into a PC/SC reader.
 *
 * Usage: reader READER VERSION.  The protocol is that of tests/interop/table/reading.py.  libmrtd
 * talks to a card with one function of libnfc; this program has a function of that name, which
 * sends the command to the PC/SC reader.
 */

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>

typedef struct nfc_device nfc_device;

/* of libmrtd, mrtd/mrtd.h */
void mrtd_bac_get_kmrz(const uint8_t *number, const uint8_t *birth, const uint8_t *expiry,
                       uint8_t *kmrz);
void mrtd_bac_randomize_rndifd_kifd(void);
int mrtd_bac_keyhandshake(nfc_device *device, const uint8_t *kmrz, uint8_t *ksenc, uint8_t *ksmac,
                          uint64_t *ssc);
int mrtd_fileread_read(nfc_device *device, const uint8_t *file, uint8_t *octets, int *size,
                       const uint8_t *ksenc, const uint8_t *ksmac, uint64_t *ssc);
void mrtd_fileread_decode_ef_com(const uint8_t *com, const int size, uint8_t *groups, int *count);

static SCARDHANDLE card;
static FILE *out; /* libmrtd itself writes to stdout */

/* in place of libnfc's: returns how many octets were received, or a negative number */
int nfc_initiator_transceive_bytes(nfc_device *device, const uint8_t *sent, const size_t sent_size,
                                   uint8_t *received, const size_t room, int timeout)
{
    DWORD size = room;

    (void)device;
    (void)timeout;
    if (SCardTransmit(card, SCARD_PCI_T1, sent, sent_size, NULL, received, &size) != SCARD_S_SUCCESS)
        return -1;
    return (int)size;
}

static uint8_t octets[1 << 20];
static uint8_t ksenc[16], ksmac[16];
static uint64_t ssc;

/* Reads a file; returns its size, 0 if libmrtd has not read it. */
static int take(const char *name, uint8_t high, uint8_t low)
{
    const uint8_t file[] = {high, low};
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_size;
    int size = 0;

    memset(octets, 0, sizeof octets);
    if (mrtd_fileread_read(NULL, file, octets, &size, ksenc, ksmac, &ssc) < 0 || size <= 0) {
        fprintf(out, "error\t%s\n", name);
        return 0;
    }
    EVP_Digest(octets, size, digest, &digest_size, EVP_sha256(), NULL);
    fprintf(out, "file\t%s\t", name);
    for (unsigned at = 0; at < digest_size; at++)
        fprintf(out, "%02x", digest[at]);
    fprintf(out, "\n");
    return size;
}

static void read_card(const char *number, const char *birth, const char *expiry)
{
    static const char tags[] = "\x61\x75\x63\x76\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f\x70";
    static const uint8_t select[] = {0x00, 0xa4, 0x04, 0x0c, 0x07, 0xa0, 0x00,
                                     0x00, 0x02, 0x47, 0x10, 0x01};
    uint8_t kmrz[25] = {0}, answer[256], groups[256];
    int count = 0, size;

    nfc_initiator_transceive_bytes(NULL, select, sizeof select, answer, sizeof answer, 0);
    mrtd_bac_get_kmrz((const uint8_t *)number, (const uint8_t *)birth, (const uint8_t *)expiry, kmrz);
    mrtd_bac_randomize_rndifd_kifd();
    if (mrtd_bac_keyhandshake(NULL, kmrz, ksenc, ksmac, &ssc) < 0) {
        fprintf(out, "error\tBAC\n");
        return;
    }
    fprintf(out, "access\tBAC\n");
    size = take("COM", 0x01, 0x1e);
    if (size > 0)
        mrtd_fileread_decode_ef_com(octets, size, groups, &count);
    take("SOD", 0x01, 0x1d);
    for (int at = 0; at < count; at++) {
        const char *found = groups[at] ? strchr(tags, groups[at]) : NULL;
        char name[16];

        if (found == NULL || groups[at] == 0x63 || groups[at] == 0x76)
            continue;
        snprintf(name, sizeof name, "DG%d", (int)(found - tags) + 1);
        take(name, 0x01, (uint8_t)(found - tags) + 1);
    }
}

int main(int argc, char **argv)
{
    SCARDCONTEXT context;
    char line[4096];

    if (argc != 3 || SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != 0)
        return 1;
    out = fdopen(dup(STDOUT_FILENO), "w");
    if (out == NULL || freopen("/dev/null", "w", stdout) == NULL)
        return 1;
    setvbuf(out, NULL, _IOLBF, 0);
    fprintf(out, "libmrtd %s\n\n", argv[2]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        DWORD protocol;
        char *kind = strtok(line, "\t\n"), *number = strtok(NULL, "\t\n");
        char *birth = strtok(NULL, "\t\n"), *expiry = strtok(NULL, "\t\n");

        if (kind != NULL && strcmp(kind, "mrz") == 0 && expiry != NULL
            && SCardConnect(context, argv[1], SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &card, &protocol)
                   == SCARD_S_SUCCESS) {
            read_card(number, birth, expiry);
            SCardDisconnect(card, SCARD_LEAVE_CARD);
        } else {
            fprintf(out, "error\tno card, or a CAN\n");
        }
        fprintf(out, "\n");
    }
    return 0;
}
