#!/usr/bin/env bash
# JMRTD and an EF.CardAccess that it read and writes again.
#
# TR-03110-3, A.1.1.1: parameterId of a PACEInfo is optional; it is absent where the chip has domain
# parameters of its own, in a PACEDomainParameterInfo. SecurityInfos of unknown protocols are to be ignored.
# Guess: `new CardAccessFile(stream).getEncoded()` gives the octets that were read, so that they may
# be compared with EF.CardSecurity or DG14.
# Seen: an absent parameterId is written as the number -1, and what JMRTD does not know is left out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > pom.xml <<'POM'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.jmrtd</groupId><artifactId>jmrtd</artifactId><version>0.8.6</version></dependency>
    <dependency><groupId>org.bouncycastle</groupId><artifactId>bcprov-jdk18on</artifactId><version>1.84</version></dependency>
    <dependency><groupId>org.bouncycastle</groupId><artifactId>bcutil-jdk18on</artifactId><version>1.84</version></dependency>
    <dependency><groupId>org.bouncycastle</groupId><artifactId>bcpkix-jdk18on</artifactId><version>1.84</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B "-Dmaven.repo.local=$work/repository" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    "-DoutputDirectory=$work/lib" > maven.txt 2>&1 || { cat maven.txt; exit 1; }
cat > Again.java <<'JAVA'
import java.io.ByteArrayInputStream;
import java.security.Security;
import java.util.HexFormat;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.teletrust.TeleTrusTNamedCurves;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.jmrtd.lds.CardAccessFile;

public class Again {
    static DERSequence sequence(ASN1Encodable... elements) {
        return new DERSequence(elements);
    }

    static ASN1ObjectIdentifier name(String digits) {
        return new ASN1ObjectIdentifier(digits);
    }

    static void show(String title, DERSequence... infos) throws Exception {
        byte[] before = new DERSet(infos).getEncoded("DER");
        byte[] after = new CardAccessFile(new ByteArrayInputStream(before)).getEncoded();
        HexFormat hex = HexFormat.of();
        boolean same = hex.formatHex(before).equals(hex.formatHex(after));
        String start = hex.formatHex(after, after.length - Math.min(after.length, 20), after.length);
        System.out.printf("  %s: %s, %d octets before, %d after, which end in %s%n",
            title, same ? "same" : "different", before.length, after.length, start);
    }

    public static void main(String[] arguments) throws Exception {
        Security.insertProviderAt(new BouncyCastleProvider(), 1);
        ASN1Integer one = new ASN1Integer(1);
        ASN1Integer two = new ASN1Integer(2);
        ASN1ObjectIdentifier protocol = name("0.4.0.127.0.7.2.2.4.2.2");
        AlgorithmIdentifier ownParameters = new AlgorithmIdentifier(
            X9ObjectIdentifiers.id_ecPublicKey, TeleTrusTNamedCurves.getByName("brainpoolP256r1"));
        show("PACEInfo with parameterId 13", sequence(protocol, two, new ASN1Integer(13)));
        show("PACEInfo without one, and a PACEDomainParameterInfo",
            sequence(protocol, two), sequence(name("0.4.0.127.0.7.2.2.4.2"), ownParameters));
        show("PACEInfo without one", sequence(protocol, two));
        show("PACEInfo with 13, and an info of another protocol",
            sequence(protocol, two, new ASN1Integer(13)), sequence(name("1.2.3.4.5.6.7.8.9"), one));
    }
}
JAVA
javac -cp 'lib/*' Again.java
echo "Maven org.jmrtd:jmrtd 0.8.6"
echo "guess: the same octets each time"
echo "seen:"
java -cp 'lib/*:.' Again 2> log.txt | tee seen.txt
grep -q 'parameterId 13: same' seen.txt
grep -q 'PACEInfo without one: different, 19 octets before, 22 after, which end in .*0201ff$' seen.txt
grep -q 'another protocol: different' seen.txt
