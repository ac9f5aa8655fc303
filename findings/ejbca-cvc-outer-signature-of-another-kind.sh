#!/usr/bin/env bash
# EJBCA's CVC library and the outer signature of a certificate request.
#
# A further request is also signed with the key of the certificate before (Doc 9303-12, 8.1.1.5). When
# the CVCA has changed from elliptic curves to RSA, the new key is an RSA key, the one before is not.
# Guess: CVCAuthenticatedRequest.verify(key) verifies by the kind of the key that it is given.
# Seen: it takes the algorithm of the key in the request, and fails: "Supplied key is not a RSAPublicKey
# instance". With both keys of one kind it verifies.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

copy() {
    mvn -q -B "-Dmaven.repo.local=$work/repository" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        "-Dartifact=$1" "-DoutputDirectory=$work" > maven.txt 2>&1 || { cat maven.txt; exit 1; }
}
copy org.ejbca.cvc:cert-cvc:1.4.13
copy org.bouncycastle:bcprov-jdk18on:1.84
cat > Outer.java <<'JAVA'
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Security;
import java.security.spec.ECGenParameterSpec;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ejbca.cvc.CAReferenceField;
import org.ejbca.cvc.CVCAuthenticatedRequest;
import org.ejbca.cvc.CVCertificate;
import org.ejbca.cvc.CertificateGenerator;
import org.ejbca.cvc.CertificateParser;
import org.ejbca.cvc.HolderReferenceField;

public class Outer {
    static final String EC = "SHA256WITHECDSA";
    static final String PSS = "SHA256WITHRSAANDMGF1";

    static KeyPair pair(String algorithm) throws Exception {
        boolean isEc = algorithm.equals(EC);
        KeyPairGenerator generator = KeyPairGenerator.getInstance(isEc ? "ECDSA" : "RSA", "BC");
        if (isEc) {
            generator.initialize(new ECGenParameterSpec("brainpoolP256r1"));
        } else {
            generator.initialize(2048);
        }
        return generator.generateKeyPair();
    }

    static String outcome(String inner, String outer) throws Exception {
        KeyPair next = pair(inner), before = pair(outer);
        CVCertificate request = CertificateGenerator.createRequest(
            next, inner, new CAReferenceField("AT", "EACROOT", "00001"),
            new HolderReferenceField("UT", "DV", "00002"), "BC");
        CVCAuthenticatedRequest authenticated = CertificateGenerator.createAuthenticatedRequest(
            request, before, outer, new CAReferenceField("UT", "DV", "00001"), "BC");
        CVCAuthenticatedRequest read =
            (CVCAuthenticatedRequest) CertificateParser.parseCVCObject(authenticated.getDEREncoded());
        try {
            read.verify(before.getPublic());
            return "verified";
        } catch (Exception error) {
            return error.getMessage();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        System.out.println("  new key EC, key before EC: " + outcome(EC, EC));
        System.out.println("  new key RSA, key before RSA: " + outcome(PSS, PSS));
        System.out.println("  new key RSA, key before EC: " + outcome(PSS, EC));
    }
}
JAVA
java -version 2>&1 | head -1
echo "cert-cvc 1.4.13, bcprov-jdk18on 1.84"
echo "guess: verified, for all"
echo "seen:"
javac -cp "$work/*" Outer.java
java -cp "$work:$work/*" Outer > seen.txt
cat seen.txt
[ "$(grep -c ': verified' seen.txt)" = 2 ] && grep -q 'key before EC: Supplied key is not a RSAPublicKey' seen.txt
