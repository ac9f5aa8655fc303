#!/usr/bin/env bash
# jCardSim and a status word after data.
#
# An applet with secure messaging answers an error inside the session: it sends the data objects 99
# and 8E, then throws ISOException with the status word.
# Guess: the terminal receives the data and the status word, as from a card, which does not take back
# what it has sent.
# Seen: with 6A82 the data are lost, and the terminal receives a bare 6A82, which looks as if the
# session had ended; with the warning 6282 they arrive.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mvn -q -B "-Dmaven.repo.local=$work/repository" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    -Dartifact=com.klinec:jcardsim:3.0.5.11 "-DoutputDirectory=$work" > maven.txt 2>&1 || { cat maven.txt; exit 1; }
cat > Answer.java <<'JAVA'
import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.utils.AIDUtil;
import java.util.HexFormat;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISOException;
import javacard.framework.Util;

public class Answer extends Applet {
    public static void install(byte[] parameters, short offset, byte length) {
        new Answer().register();
    }

    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        short sw = Util.getShort(buffer, (short) 2);
        apdu.setOutgoing();
        apdu.setOutgoingLength((short) 2);
        apdu.sendBytes((short) 0, (short) 2);
        ISOException.throwIt(sw);
    }

    public static void main(String[] arguments) {
        Simulator simulator = new Simulator(new SimulatorRuntime());
        var aid = AIDUtil.create("A00000000101");
        simulator.installApplet(aid, Answer.class);
        simulator.selectApplet(aid);
        for (String sw : new String[] {"9000", "6282", "6A82"}) {
            byte[] command = HexFormat.of().parseHex("00CA" + sw + "00");
            System.out.print(HexFormat.of().withUpperCase().formatHex(simulator.transmitCommand(command)) + " ");
        }
    }
}
JAVA
javac -nowarn -Xlint:-options -cp jcardsim-3.0.5.11.jar Answer.java 2> javac.txt || { cat javac.txt; exit 1; }
seen=$(java -cp jcardsim-3.0.5.11.jar:. Answer)
echo "Maven com.klinec:jcardsim 3.0.5.11, $(java -version 2>&1 | head -n 1)"
echo "guess: 00CA9000 00CA6282 00CA6A82"
echo "seen:  $seen"
[[ $seen == "00CA9000 00CA6282 6A82 " ]]
