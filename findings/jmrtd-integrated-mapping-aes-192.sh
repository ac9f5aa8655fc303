#!/usr/bin/env bash
# JMRTD and PACE by Integrated Mapping with AES-192.
#
# Doc 9303-11, 4.4.3.3: the terminal's nonce t has k bits, "the key size in bits of the respective
# block cipher"; the chip's nonce s has the smallest multiple of the block size that is not less.
# Guess: for AES-192, s has 32 octets and t has 24.
# Seen: t has the size of s, 32 octets. A chip that checks the length refuses the terminal.
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
cat > Mapping.java <<'JAVA'
import java.math.BigInteger;
import java.security.Security;
import net.sf.scuba.smartcards.APDUWrapper;
import net.sf.scuba.smartcards.CardServiceException;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.jmrtd.APDULevelPACECapable;
import org.jmrtd.PACEKeySpec;
import org.jmrtd.lds.PACEInfo;
import org.jmrtd.protocol.PACEProtocol;

/** A chip that gives its encrypted nonce, and then notes how long the terminal's nonce is. */
public class Mapping implements APDULevelPACECapable {
    private final int sizeOfS;
    private int commands;
    int sizeOfT;

    Mapping(int sizeOfS) {
        this.sizeOfS = sizeOfS;
    }

    public void sendMSESetATMutualAuth(APDUWrapper none, String oid, int password, byte[] data) {}

    public byte[] sendGeneralAuthenticate(APDUWrapper none, byte[] data, int le, boolean last)
            throws CardServiceException {
        if (commands++ == 0) {
            byte[] encryptedNonce = new byte[2 + sizeOfS];
            encryptedNonce[0] = (byte) 0x80;
            encryptedNonce[1] = (byte) sizeOfS;
            return encryptedNonce;
        }
        sizeOfT = data.length - 2; // 81, length, t
        throw new CardServiceException("seen enough");
    }

    public static void main(String[] arguments) {
        Security.insertProviderAt(new BouncyCastleProvider(), 1);
        for (int bits : new int[] {128, 192, 256}) {
            int sizeOfS = (bits / 8 + 15) / 16 * 16; // the smallest multiple of the block size
            Mapping chip = new Mapping(sizeOfS);
            String oid = "0.4.0.127.0.7.2.2.4.4." + (bits / 64); // id-PACE-ECDH-IM-AES-CBC-CMAC-...
            try {
                new PACEProtocol(chip, null, 256, true)
                    .doPACE(PACEKeySpec.createCANKey("123456"), oid,
                        PACEInfo.toParameterSpec(13), BigInteger.valueOf(13));
            } catch (Exception expected) {
                // the chip ended it
            }
            System.out.printf("AES-%d: s of %d octets, t of %d octets, the key has %d%n",
                bits, sizeOfS, chip.sizeOfT, bits / 8);
        }
    }
}
JAVA
javac -cp 'lib/*' Mapping.java 2> javac.txt
echo "Maven org.jmrtd:jmrtd 0.8.6"
echo "guess: t has as many octets as the key"
echo "seen:"
java -cp 'lib/*:.' Mapping 2> log.txt | tee seen.txt
grep -q '^AES-128: s of 16 octets, t of 16 octets, the key has 16$' seen.txt
grep -q '^AES-192: s of 32 octets, t of 32 octets, the key has 24$' seen.txt
grep -q '^AES-256: s of 32 octets, t of 32 octets, the key has 32$' seen.txt
