package example;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.Security;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.smartcardio.CardException;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.TerminalFactory;
import net.sf.scuba.smartcards.CardServiceException;
import net.sf.scuba.smartcards.TerminalCardService;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.jmrtd.BACKey;
import org.jmrtd.PACEKeySpec;
import org.jmrtd.PassportService;
import org.jmrtd.lds.CardAccessFile;
import org.jmrtd.lds.PACEInfo;
import org.jmrtd.lds.SecurityInfo;

/**
 * Reads EF.COM, EF.SOD and DG1 of the passport in a PC/SC reader, with JMRTD.
 *
 * <p>Usage: ReadChip READER NUMBER BIRTH EXPIRY (dates: YYMMDD), or ReadChip READER, which reads
 * lines with these three values from standard input, a card for each. It prints name, size and
 * SHA-256 of each file, and in the second case an empty line after each card. It is an example of a
 * reader that is tested with Chipseal, and does not judge what it reads.
 */
public final class ReadChip {
  /** As much as the smallest buffers hold with secure messaging around it. */
  private static final int LARGEST_READ = 0x70;

  private static final Map<String, Short> FILES = new LinkedHashMap<>();

  static {
    FILES.put("EF.COM", PassportService.EF_COM);
    FILES.put("EF.SOD", PassportService.EF_SOD);
    FILES.put("DG1", PassportService.EF_DG1);
  }

  private ReadChip() {}

  public static void main(String[] arguments) throws Exception {
    Security.insertProviderAt(new BouncyCastleProvider(), 1);
    CardTerminal terminal = terminal(arguments[0]);
    if (arguments.length == 4) {
      read(terminal, new BACKey(arguments[1], arguments[2], arguments[3]));
      return;
    }
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      try {
        read(terminal, new BACKey(words[0], words[1], words[2]));
      } catch (CardServiceException | GeneralSecurityException | IOException | CardException e) {
        System.out.println("not read: " + e.getMessage());
      }
      System.out.println();
    }
  }

  private static CardTerminal terminal(String name) throws CardException {
    for (CardTerminal terminal : TerminalFactory.getDefault().terminals().list()) {
      if (terminal.getName().equals(name)) {
        return terminal;
      }
    }
    throw new CardException("no reader " + name);
  }

  private static void read(CardTerminal terminal, BACKey key)
      throws CardServiceException, GeneralSecurityException, IOException, CardException {
    terminal.waitForCardPresent(10_000);
    PassportService service =
        new PassportService(
            new TerminalCardService(terminal),
            PassportService.NORMAL_MAX_TRANCEIVE_LENGTH,
            LARGEST_READ,
            false,
            true);
    service.open();
    try {
      if (!openWithPace(service, key)) {
        service.sendSelectApplet(false);
        service.doBAC(key);
      }
      for (Map.Entry<String, Short> file : FILES.entrySet()) {
        byte[] octets = service.getInputStream(file.getValue()).readAllBytes();
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(octets);
        System.out.println(
            file.getKey() + " " + octets.length + " " + HexFormat.of().formatHex(digest));
      }
    } finally {
      service.close();
    }
  }

  /** Does PACE with the first variant that the chip offers; returns false if it offers none. */
  private static boolean openWithPace(PassportService service, BACKey key)
      throws CardServiceException, GeneralSecurityException {
    CardAccessFile cardAccess;
    try {
      cardAccess = new CardAccessFile(service.getInputStream(PassportService.EF_CARD_ACCESS));
    } catch (CardServiceException | IOException none) {
      return false;
    }
    for (SecurityInfo each : cardAccess.getSecurityInfos()) {
      if (each instanceof PACEInfo offered) {
        service.doPACE(
            PACEKeySpec.createMRZKey(key),
            offered.getObjectIdentifier(),
            PACEInfo.toParameterSpec(offered.getParameterId()),
            offered.getParameterId());
        service.sendSelectApplet(true);
        return true;
      }
    }
    return false;
  }
}
