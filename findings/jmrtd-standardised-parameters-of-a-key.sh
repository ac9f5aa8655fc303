#!/usr/bin/env bash
# JMRTD and a key for Chip Authentication whose curve is one of the standardised domain parameters.
#
# Doc 9303-11, 9.5.1: standardised domain parameters are referenced by an AlgorithmIdentifier with
# the object identifier standardizedDomainParameters and their number as the parameter: so the keys
# are written in EF.CardSecurity, from which Chip Authentication Mapping is verified.
# Guess: the key is read, as with the curve's own name.
# Seen: the info is read, and its public key is null; why is only written to the log.
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
cat > Standardised.java <<'JAVA'
import java.security.KeyPairGenerator;
import java.security.Security;
import java.security.spec.ECGenParameterSpec;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.jmrtd.lds.ChipAuthenticationPublicKeyInfo;
import org.jmrtd.lds.SecurityInfo;

public class Standardised {
    static void show(String what, AlgorithmIdentifier algorithm, byte[] point) {
        SecurityInfo read = SecurityInfo.getInstance(new DERSequence(new ASN1Encodable[] {
            new ASN1ObjectIdentifier("0.4.0.127.0.7.2.2.1.2"), // id-PK-ECDH
            new SubjectPublicKeyInfo(algorithm, point),
            new ASN1Integer(13)}));
        var key = ((ChipAuthenticationPublicKeyInfo) read).getSubjectPublicKey();
        String found = key == null ? "null" : "a key for " + key.getAlgorithm();
        System.out.println(what + ": " + found);
    }

    public static void main(String[] arguments) throws Exception {
        Security.insertProviderAt(new BouncyCastleProvider(), 1);
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("brainpoolP256r1"));
        SubjectPublicKeyInfo key =
            SubjectPublicKeyInfo.getInstance(generator.generateKeyPair().getPublic().getEncoded());
        byte[] point = key.getPublicKeyData().getOctets();
        show("the curve by its name", key.getAlgorithm(), point);
        var standardised = new ASN1ObjectIdentifier("0.4.0.127.0.7.1.2");
        show("the same curve as number 13",
            new AlgorithmIdentifier(standardised, new ASN1Integer(13)), point);
    }
}
JAVA
javac -cp 'lib/*' Standardised.java
echo "Maven org.jmrtd:jmrtd 0.8.6"
echo "guess: the same key both times"
echo "seen:"
java -cp 'lib/*:.' Standardised 2> log.txt | tee seen.txt
grep -q '^the curve by its name: a key for EC' seen.txt
grep -q '^the same curve as number 13: null$' seen.txt
