#!/usr/bin/env bash
# Bouncy Castle and names that are written as RFC 4514 says.
#
# Section 2.4: each octet of the UTF-8 form of a letter may be a backslash with two hexadecimal digits;
# section 3: "=" inside a value needs no escape. Directories (the PKD) and other programs write both.
# Guess: `new X500Name` makes the Distinguished Name that the JDK's X500Principal makes.
# Seen: the octets of one letter become two letters, without an error: "\C3\9C" is not U with
# diaeresis. "CN=A=B" is "badly formatted". RFC4519Style does the same.
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
    <dependency><groupId>org.bouncycastle</groupId><artifactId>bcprov-jdk18on</artifactId><version>1.84</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B "-Dmaven.repo.local=$work/repository" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    "-DoutputDirectory=$work/lib" > maven.txt 2>&1 || { cat maven.txt; exit 1; }
cat > Names.java <<'JAVA'
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.RFC4519Style;

public class Names {
    interface Maker {
        X500Name make(String text);
    }

    /** The common name with its letters beyond ASCII as code points. */
    static String letters(X500Name name) {
        StringBuilder shown = new StringBuilder();
        String value = name.getRDNs()[0].getFirst().getValue().toString();
        value.chars().forEach(each -> shown.append(each < 128 ? "" + (char) each : String.format("<%X>", each)));
        return shown.toString();
    }

    static void show(String maker, String text, Maker make) {
        String result;
        try {
            result = letters(make.make(text));
        } catch (IllegalArgumentException error) {
            result = error.getMessage();
        }
        System.out.println(maker + ", " + text + ": " + result);
    }

    public static void main(String[] arguments) {
        for (String value : new String[] {"CSCA", "\\C3\\9CTE", "A\\=B", "A=B"}) {
            String text = "CN=" + value;
            show("JDK", text, each -> X500Name.getInstance(new X500Principal(each).getEncoded()));
            show("X500Name", text, X500Name::new);
            show("RFC4519Style", text, each -> new X500Name(RFC4519Style.INSTANCE, each));
        }
    }
}
JAVA
javac -cp 'lib/*' Names.java
echo "Maven org.bouncycastle:bcprov-jdk18on 1.84, OpenJDK $(javac -version | cut -d' ' -f2)"
echo "guess: one result for each name"
echo "seen:"
java -cp 'lib/*:.' Names | tee seen.txt
grep -qF 'JDK, CN=\C3\9CTE: <DC>TE' seen.txt
grep -qF 'JDK, CN=A=B: A=B' seen.txt
for maker in X500Name RFC4519Style; do
    grep -qF "$maker, CN=CSCA: CSCA" seen.txt
    grep -qF "$maker, CN=\\C3\\9CTE: <C3><9C>TE" seen.txt
    grep -qF "$maker, CN=A\\=B: A=B" seen.txt
    grep -qF "$maker, CN=A=B: badly formatted directory string" seen.txt
done
