package chipseal.interop;

import chipseal.interop.applet.PassportApplet;
import com.licel.jcardsim.smartcardio.CardSimulator;
import com.licel.jcardsim.smartcardio.CardTerminalSimulator;
import com.licel.jcardsim.utils.AIDUtil;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.Security;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import javacard.framework.Applet;
import javax.smartcardio.CommandAPDU;

/**
 * A simulated Java Card with a passport applet, driven by lines on standard input.
 *
 * <p>Usage: AppletBridge [CLASS], with the class of the applet on the class path; by default that
 * of this project. A line in hexadecimal is a command APDU, and is answered with the response APDU.
 * "reset" resets the card, "blank" replaces it with a new one. "read" is followed by document number, date of birth and date of expiry,
 * each on a line, and is answered with what ReadCard prints, and a line "end".
 */
public final class AppletBridge {
  private static final String AID = "A0000002471001";

  private AppletBridge() {}

  private static CardSimulator blank(Class<? extends Applet> applet) {
    CardSimulator simulator = new CardSimulator();
    simulator.installApplet(AIDUtil.create(AID), applet);
    return simulator;
  }

  /**
   * Makes the status word that of DO 99: jCardSim returns no data with an error, so an applet that
   * answers an error in secure messaging has to answer 9000.
   */
  private static void restoreStatusWord(byte[] response) {
    int object = response.length - 2 - 10 - 4; // before DO 8E and the status word
    if (object >= 0 && response[object] == (byte) 0x99) {
      System.arraycopy(response, object + 2, response, response.length - 2, 2);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Class<? extends Applet> applet =
        arguments.length == 0
            ? PassportApplet.class
            : Class.forName(arguments[0]).asSubclass(Applet.class);
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream output = System.out;
    System.setOut(System.err); // what an applet prints is no answer
    Security.insertProviderAt(Proofs.PROVIDER, 1);
    CardSimulator simulator = blank(applet);
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      if (line.equals("blank")) {
        simulator = blank(applet);
        output.println("ok");
      } else if (line.equals("reset")) {
        simulator.reset();
        output.println("ok");
      } else if (line.equals("read")) {
        List<String> secret = new ArrayList<>();
        for (int count = 0; count < 3; count++) {
          secret.add(input.readLine());
        }
        System.setOut(output);
        ReadCard.read(CardTerminalSimulator.terminal(simulator), "bac/select", secret, null);
        System.setOut(System.err);
        output.println("end");
      } else {
        byte[] command = HexFormat.of().parseHex(line);
        byte[] response = simulator.transmitCommand(new CommandAPDU(command)).getBytes();
        if ((command[0] & 0x0C) == 0x0C) {
          restoreStatusWord(response);
        }
        output.println(HexFormat.of().formatHex(response));
      }
      output.flush();
    }
  }
}
