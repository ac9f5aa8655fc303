#!/usr/bin/env bash
# GnuPG's gpgsm and GnuTLS's certtool, and CSCA certificates with explicit curve parameters.
#
# Doc 9303-12, 4.1.6.3 has the parameters of an elliptic curve written in full into a certificate; OpenSSL
# reads and verifies such certificates.
# Guess: the other tools of a Debian machine do so too, or say that they do not know this form of key.
# Seen: gpgsm calls the signature of the certificate BAD, as it would that of a forged one, and certtool
# calls its DER wrong and the certificate not trusted. Of the same key with a named curve both say
# nothing of the kind.
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

for form in named_curve explicit; do
    openssl ecparam -name secp384r1 -param_enc "$form" -genkey -noout -out "$form.key"
    openssl req -x509 -key "$form.key" -sha384 -days 30 -subj "/C=UT/CN=CSCA $form" -out "$form.pem" \
        -addext keyUsage=critical,keyCertSign,cRLSign -addext basicConstraints=critical,CA:true,pathlen:0
    openssl verify -check_ss_sig -CAfile "$form.pem" "$form.pem" > openssl.txt
    with root/usr/bin/gpgsm --batch --no-autostart --disable-dirmngr --import "$form.pem" > "$form.gpgsm" 2>&1 || true
    { with root/usr/bin/certtool --certificate-info --infile "$form.pem"
      with root/usr/bin/certtool --verify --load-ca-certificate "$form.pem" --infile "$form.pem"; } \
        > "$form.certtool" 2>&1 || true
done

echo "Debian gpgsm $gpgsm_version, gnutls-bin $gnutls_version"
echo "guess: both verify both, or name what they do not know"
for form in named_curve explicit; do
    echo "seen with $form:"
    grep -hE ' BAD |imported:|error importing|Chain verification' "$form.gpgsm" "$form.certtool" | sed 's/^/  /'
done
grep -Eq ' imported: 1' named_curve.gpgsm
grep -q 'Verified. The certificate is trusted' named_curve.certtool
grep -q 'self-signed certificate has a BAD signature' explicit.gpgsm
grep -q 'not imported: 1' explicit.gpgsm
grep -q 'Error in DER parsing' explicit.certtool
grep -q 'The certificate is NOT trusted' explicit.certtool
