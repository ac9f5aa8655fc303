#!/usr/bin/env bash
# JMRTD and a DG3 without fingers.
#
# Doc 9303-10, 4.7.3.2.2: where a State writes a DG3 without instances, a data object 53 with, for example,
# a random number is recommended, so that the hash in EF.SOD does not tell who has no fingerprints.
# Guess: `new DG3File(stream).getEncoded()` gives the octets that were read.
# Seen: the data object 53 is dropped, so that the hash is no longer that of EF.SOD, and is the same for
# all such documents.
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
cat > Empty.java <<'JAVA'
import java.io.ByteArrayInputStream;
import java.util.HexFormat;
import org.jmrtd.lds.icao.DG3File;

public class Empty {
    public static void main(String[] arguments) throws Exception {
        for (String read : new String[] {"63107f610d02010053080102030405060708", "63107f610d02010053081112131415161718"}) {
            DG3File file = new DG3File(new ByteArrayInputStream(HexFormat.of().parseHex(read)));
            String written = HexFormat.of().formatHex(file.getEncoded());
            System.out.println(read + ": " + file.getFingerInfos().size() + " fingers, written " + written);
        }
    }
}
JAVA
javac -cp 'lib/*' Empty.java 2> javac.txt || { cat javac.txt; exit 1; }
echo "Maven org.jmrtd:jmrtd 0.8.6"
echo "guess: what was read is written"
echo "seen:"
java -cp 'lib/*:.' Empty 2> log.txt | tee seen.txt
[ "$(grep -c ': 0 fingers, written 63067f6103020100$' seen.txt)" -eq 2 ]
