#!/usr/bin/env bash
# jCardSim and RandomData.
#
# An applet under test draws its nonces (RND.IC, the PACE nonce) from RandomData.ALG_SECURE_RANDOM.
# Guess: they differ from run to run, and between two instances; its key pairs do.
# Seen: each instance, of every algorithm, and in every run, gives 6C5544797A91115D first and the same
# octets after it; a test that looks for repeated nonces sees nothing but its own applet's order of
# calls. Key pairs are fresh in each run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mvn -q -B "-Dmaven.repo.local=$work/repository" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    -Dartifact=com.klinec:jcardsim:3.0.5.11 "-DoutputDirectory=$work" > maven.txt 2>&1 || { cat maven.txt; exit 1; }
cat > Draw.java <<'JAVA'
import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import java.util.Arrays;
import java.util.HexFormat;
import javacard.security.ECPublicKey;
import javacard.security.KeyPair;
import javacard.security.RandomData;

public class Draw {
    public static void main(String[] arguments) {
        new Simulator(new SimulatorRuntime());
        byte[] drawn = new byte[8];
        for (byte algorithm : new byte[] {RandomData.ALG_SECURE_RANDOM, RandomData.ALG_SECURE_RANDOM, RandomData.ALG_TRNG}) {
            RandomData source = RandomData.getInstance(algorithm);
            source.nextBytes(drawn, (short) 0, (short) 8);
            System.out.print(HexFormat.of().withUpperCase().formatHex(drawn) + " ");
        }
        KeyPair pair = new KeyPair(KeyPair.ALG_EC_FP, (short) 256);
        pair.genKeyPair();
        byte[] point = new byte[65];
        ((ECPublicKey) pair.getPublic()).getW(point, (short) 0);
        System.out.println(HexFormat.of().formatHex(Arrays.copyOfRange(point, 1, 9)));
    }
}
JAVA
javac -nowarn -Xlint:-options -cp jcardsim-3.0.5.11.jar Draw.java 2> javac.txt || { cat javac.txt; exit 1; }
first=$(java -cp jcardsim-3.0.5.11.jar:. Draw)
second=$(java -cp jcardsim-3.0.5.11.jar:. Draw)
echo "Maven com.klinec:jcardsim 3.0.5.11, $(java -version 2>&1 | head -n 1)"
echo "guess: eight different values"
echo "seen (two instances of ALG_SECURE_RANDOM, one of ALG_TRNG, the start of a fresh key):"
echo "  first run: $first"
echo "  second run: $second"
nonce=6C5544797A91115D
[[ ${first% *} == "$nonce $nonce $nonce" && ${second% *} == "${first% *}" && ${second##* } != "${first##* }" ]]
