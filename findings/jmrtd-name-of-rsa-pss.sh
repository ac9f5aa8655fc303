#!/usr/bin/env bash
# JMRTD and the name of the signature algorithm of an EF.SOD.
#
# Doc 9303-12, 4.1.6.1 lets States sign with RSASSA-PSS.
# Guess: `Signature.getInstance(sod.getDigestEncryptionAlgorithm())` works for every document.
# Seen: for RSASSA-PSS the name is "SSAwithRSA/PSS", which no provider knows: the first letter is lost.
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
cat > Pss.java <<'JAVA'
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Security;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.util.Date;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.BERTags;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.jmrtd.lds.SODFile;

public class Pss {
    static DERSequence sequence(ASN1Encodable... parts) {
        return new DERSequence(parts);
    }

    /** An EF.SOD over two data groups, signed with an algorithm of the Java Cryptography Architecture. */
    static byte[] sod(String algorithm, KeyPair pair) throws Exception {
        var name = new X500Name("C=UT,CN=Document Signer");
        var now = new Date();
        var later = new Date(now.getTime() + 86_400_000L);
        var signer = new JcaContentSignerBuilder(algorithm).build(pair.getPrivate());
        var certificate = new JcaX509v3CertificateBuilder(
            name, BigInteger.ONE, now, later, name, pair.getPublic()).build(signer);
        var digest = new DEROctetString(new byte[32]);
        var content = sequence(
            new ASN1Integer(0),
            sequence(new ASN1ObjectIdentifier("2.16.840.1.101.3.4.2.1")),
            sequence(sequence(new ASN1Integer(1), digest), sequence(new ASN1Integer(2), digest)));
        var generator = new CMSSignedDataGenerator();
        var digests = new JcaDigestCalculatorProviderBuilder().build();
        generator.addSignerInfoGenerator(
            new JcaSignerInfoGeneratorBuilder(digests).build(signer, certificate));
        generator.addCertificate(certificate);
        var type = new ASN1ObjectIdentifier("2.23.136.1.1.1");
        var signed = generator.generate(new CMSProcessableByteArray(type, content.getEncoded()), true);
        byte[] der = signed.toASN1Structure().getEncoded("DER");
        return new DERTaggedObject(true, BERTags.APPLICATION, 23, ASN1Primitive.fromByteArray(der))
            .getEncoded("DER");
    }

    static void show(String algorithm, KeyPair pair) throws Exception {
        SODFile sod = new SODFile(new ByteArrayInputStream(sod(algorithm, pair)));
        String name = sod.getDigestEncryptionAlgorithm();
        String result;
        try {
            Signature signature = Signature.getInstance(name);
            if (sod.getDigestEncryptionAlgorithmParams() != null) {
                signature.setParameter(sod.getDigestEncryptionAlgorithmParams());
            }
            signature.initVerify(sod.getDocSigningCertificate());
            signature.update(sod.getEContent());
            result = signature.verify(sod.getEncryptedDigest()) ? "verified" : "wrong";
        } catch (GeneralSecurityException error) {
            result = error.getMessage();
        }
        System.out.println("signed with " + algorithm + ": " + name + ", " + result);
    }

    public static void main(String[] arguments) throws Exception {
        Security.insertProviderAt(new BouncyCastleProvider(), 1);
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        KeyPair pair = rsa.generateKeyPair();
        KeyPairGenerator ec = KeyPairGenerator.getInstance("EC");
        ec.initialize(new ECGenParameterSpec("secp256r1"));
        show("SHA256withECDSA", ec.generateKeyPair());
        show("SHA256withRSA", pair);
        show("SHA256withRSAandMGF1", pair);
    }
}
JAVA
javac -cp 'lib/*' Pss.java
echo "Maven org.jmrtd:jmrtd 0.8.6"
echo "guess: a name that the providers of Java know, for each"
echo "seen:"
java -cp 'lib/*:.' Pss 2> log.txt | tee seen.txt
grep -q '^signed with SHA256withECDSA: SHA256withECDSA, verified$' seen.txt
grep -q '^signed with SHA256withRSA: SHA256withRSA, verified$' seen.txt
grep -q '^signed with SHA256withRSAandMGF1: SSAwithRSA/PSS, SSAwithRSA/PSS Signature not available$' seen.txt
