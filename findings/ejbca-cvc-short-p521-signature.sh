#!/usr/bin/env bash
# EJBCA's CVC library and signatures over P-521.
#
# TR-03110-3, D.3, and TR-03111, 5.2.1: a card-verifiable certificate has a plain signature, r and s
# each as long as the order of the group: 66 + 66 octets for P-521.
# Guess: every such certificate has 132 octets of signature.
# Seen: one in four has 130. The longer one of r and s sets the length of both; the top octet of
# either is 0 in half of all signatures. A chip that cuts the value at 66 octets refuses them. The
# library itself verifies both.
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
cat > Issue.java <<'JAVA'
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Security;
import java.security.spec.ECGenParameterSpec;
import java.util.Date;
import java.util.Map;
import java.util.TreeMap;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ejbca.cvc.AccessRightEnum;
import org.ejbca.cvc.AuthorizationRoleEnum;
import org.ejbca.cvc.CAReferenceField;
import org.ejbca.cvc.CVCertificate;
import org.ejbca.cvc.CertificateGenerator;
import org.ejbca.cvc.CertificateParser;
import org.ejbca.cvc.HolderReferenceField;

public class Issue {
    public static void main(String[] curves) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (String curve : curves) {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("ECDSA", "BC");
            generator.initialize(new ECGenParameterSpec(curve));
            KeyPair pair = generator.generateKeyPair();
            Date now = new Date();
            Map<Integer, Integer> lengths = new TreeMap<>();
            for (int number = 0; number < 200; number++) {
                CVCertificate certificate = CertificateGenerator.createCertificate(
                    pair.getPublic(), pair.getPrivate(), "SHA512WITHECDSA",
                    new CAReferenceField("UT", "CVCA", "00001"), new HolderReferenceField("UT", "CVCA", "00001"),
                    AuthorizationRoleEnum.CVCA, AccessRightEnum.READ_ACCESS_DG3_AND_DG4,
                    now, new Date(now.getTime() + 1000L * 86400 * 900), "BC");
                CertificateParser.parseCertificate(certificate.getDEREncoded()).verify(pair.getPublic(), "BC");
                lengths.merge(certificate.getSignature().length, 1, Integer::sum);
            }
            System.out.println("  " + curve + ", octets of signature and how often: " + lengths);
        }
    }
}
JAVA
javac -cp 'cert-cvc-1.4.13.jar:bcprov-jdk18on-1.84.jar' Issue.java
echo "Maven org.ejbca.cvc:cert-cvc 1.4.13, org.bouncycastle:bcprov-jdk18on 1.84"
echo "guess: 96 for P-384, 132 for P-521, in each of 200 certificates"
echo "seen:"
java -cp 'cert-cvc-1.4.13.jar:bcprov-jdk18on-1.84.jar:.' Issue secp384r1 secp521r1 | tee seen.txt
grep -q 'secp521r1.*130=[0-9]*, 132=' seen.txt
