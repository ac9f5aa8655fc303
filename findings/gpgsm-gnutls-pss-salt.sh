#!/usr/bin/env bash
# GnuPG's gpgsm and GnuTLS's certtool, and the salt of RSA-PSS.
#
# A tenth of the signers in the ICAO PKD use RSA-PSS. RFC 4055, 3.1 leaves the length of the salt to the
# signer, with a default of 20 octets, and states it in the signature's parameters.
# Guess: a certificate with SHA-256 verifies with any salt that its parameters state, as in OpenSSL.
# Seen: with a salt of 32 octets, the size of the hash, both verify it. With 20, the default, and with
# 64 gpgsm calls the signature BAD, and certtool "the signature in the certificate is invalid": the words
# for a forgery.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

gpgsm_version=2.2.40-1.1+deb12u2 gnutls_version=3.7.9-2+deb12u7
apt-get -qq -o APT::Sandbox::User=root download "gpgsm=$gpgsm_version" "gpgconf=$gpgsm_version" \
    "gnutls-bin=$gnutls_version" "libgnutls30=$gnutls_version" "libgnutls-dane0=$gnutls_version" \
    libksba8 libassuan0 libgcrypt20 libgpg-error0 libunbound8 libevent-2.1-7
for package in *.deb; do dpkg -x "$package" root; done
export GNUPGHOME=$work/home
mkdir -m 700 "$GNUPGHOME"
with() { LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu "$@"; }

echo "Debian gpgsm $gpgsm_version, gnutls-bin $gnutls_version"
echo "guess: gpgsm, certtool: good, good for every salt"
seen=()
for salt in 20 32 64; do
    openssl req -x509 -newkey rsa:3072 -nodes -keyout key.pem -sha256 -sigopt rsa_padding_mode:pss \
        -sigopt "rsa_pss_saltlen:$salt" -days 30 -subj "/C=UT/CN=CSCA $salt" -out "$salt.pem" \
        -addext keyUsage=critical,keyCertSign,cRLSign -addext basicConstraints=critical,CA:true,pathlen:0 2> openssl.txt
    openssl verify -check_ss_sig -CAfile "$salt.pem" "$salt.pem" > openssl.txt
    with root/usr/bin/gpgsm --batch --no-autostart --disable-dirmngr --import "$salt.pem" > gpgsm.txt 2>&1 || true
    with root/usr/bin/certtool --verify --load-ca-certificate "$salt.pem" --infile "$salt.pem" > certtool.txt 2>&1 || true
    if grep -q 'BAD signature' gpgsm.txt; then found=bad; else grep -Eq ' imported: 1' gpgsm.txt; found=good; fi
    if grep -q 'The signature in the certificate is invalid' certtool.txt; then found+=', bad'
    else grep -q ' Verified. The certificate is trusted' certtool.txt; found+=', good'; fi
    echo "seen: $found with a salt of $salt octets"
    seen+=("$found")
done
[[ "${seen[*]}" == 'bad, bad good, good bad, bad' ]]
